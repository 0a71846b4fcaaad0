"""The processes of a deployment: the tree of `daybook up`, and each of its parts."""
