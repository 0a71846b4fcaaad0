"""Who did we share with? The question, and the rows it is answered from."""
