"""pymerkle, measured by an interpreter that has it: `PYTHON run.py LEAVES PROOFS`; prints one line of JSON.

pymerkle is under the GPL: it is no dependency, nothing here imports it, and this file stands alone.
"""

import json
import os
import random
import sys
import tempfile
import time

from pymerkle import SqliteTree

LEAF_BYTES = 500
AT_ONCE = 100


def main():
    leaves, proofs = int(sys.argv[1]), int(sys.argv[2])
    choice = random.Random(1)
    with (
        tempfile.TemporaryDirectory(prefix="daybook-bench-") as scratch,
        SqliteTree(os.path.join(scratch, "tree.sqlite")) as tree,
    ):
        found = {"append": [append(tree, leaves)]}
        root = tree.get_root()
        found |= inclusion(tree, [choice.randrange(leaves) for _ in range(proofs)], root)
        found |= consistency(tree, [choice.randrange(1, leaves) for _ in range(proofs)], root)
    print(json.dumps(found))


def append(tree, leaves):
    batches = [
        [os.urandom(LEAF_BYTES) for _ in range(min(AT_ONCE, leaves - first))]
        for first in range(0, leaves, AT_ONCE)
    ]
    began = time.perf_counter()
    for batch in batches:
        tree.append_entries(batch)
    return leaves / (time.perf_counter() - began)


def inclusion(tree, indices, root):
    prove, verify = [], []
    for index in indices:
        leaf = tree.get_leaf(index + 1)
        began = time.perf_counter()
        proof = tree.prove_inclusion(index + 1)
        prove.append(time.perf_counter() - began)
        began = time.perf_counter()
        proof.verify(leaf, root)
        verify.append(time.perf_counter() - began)
    return {"inclusion": prove, "verify inclusion": verify}


def consistency(tree, sizes, root):
    prove, verify = [], []
    for size in sizes:
        before = tree.get_root(size)
        began = time.perf_counter()
        proof = tree.prove_consistency(size)
        prove.append(time.perf_counter() - began)
        began = time.perf_counter()
        proof.verify(before, root)
        verify.append(time.perf_counter() - began)
    return {"consistency": prove, "verify consistency": verify}


if __name__ == "__main__":
    main()
