"""GDPRbench's four roles on Daybook and on plain tables: `python -m benchmarks.gdprbench`.

Our own implementation of the operations and mixes of Shastri, Banakar, Wasserman, Kumar and Chidambaram,
"Understanding and Benchmarking the Impact of GDPR on Database Systems" (PVLDB 13(7), 2020; arXiv 1910.00728). No code
of theirs is used. What differs is printed with the results, and none of them is comparable with the paper's.

records        the people, the same for both sides
operations     what is asked, the paper's mixes, what is left out of them, and how they are drawn
expected       what the right answer is
sides          what a side is
daybook_side   each operation by the use cases of a running deployment
plain_side     each operation on plain tables of the same server
measuring      both sides in turn, and the tables
"""
