"""A policy is read as C2SP tlog-policy says, and followed only where two quorums always share a witness."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from infrastructure.ledger.signed.cosignatures import Cosigner
from infrastructure.ledger.signed.notes import BadNote, VerifierKey, verifier_key
from infrastructure.ledger.witnesses.witness_policy import (
    PolicyRefused,
    WitnessPolicy,
    load_policy,
    parse_policy,
)

COSIGNERS = [
    Cosigner(f"w.example/{n}", Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())
    for n in range(6)
]
KEYS = [one.keys[0] for one in COSIGNERS]
LOG = verifier_key("log.example", Ed25519PrivateKey.generate()).text()
SIX = "".join(f"witness {name} {key.text()}\n" for name, key in zip("abcdef", KEYS, strict=True))
EXAMPLE = f"log {LOG}\n{SIX}group X 2 a b c\ngroup Y any d e f\ngroup both all X Y\nquorum both\n"


def read(text: str) -> WitnessPolicy:
    return parse_policy(text.encode())


def met(policy: WitnessPolicy, names: str) -> bool:
    return policy.is_met_by({policy.witnesses[name].key for name in names})


def test_the_example_of_the_specification() -> None:
    policy = read(EXAMPLE)
    assert [key.text() for key in policy.logs] == [LOG]
    assert list(policy.witnesses) == list("abcdef")
    for names in ("abd", "bcf", "acde", "abcdef"):
        assert met(policy, names)
    for names in ("", "ab", "ad", "def", "adef"):
        assert not met(policy, names)


def test_it_may_be_written_in_many_ways() -> None:
    text = (
        "# a comment\n\n \t \n\t witness\ta  " + KEYS[0].text() + " \thttps://w.example/pre/fix/ \n"
        "   # another, in grün\nwitness none-such " + COSIGNERS[1].keys[1].text() + "\n"
        "quorum a"
    )
    policy = parse_policy(text.encode("utf-8") + b"\n# \xff opaque\n")
    assert policy.witnesses["a"].url == "https://w.example/pre/fix"
    assert policy.witnesses["none-such"].key.kind == 0x06
    assert met(policy, "a") and not policy.is_met_by([])


def test_no_quorum_at_all_is_a_policy_but_not_ours(tmp_path: Path) -> None:
    policy = read(f"log {LOG}\nquorum none\n")
    assert policy.is_met_by([]) and not policy.intersects()
    path = tmp_path / "policy"
    path.write_text("quorum none\n")
    with pytest.raises(PolicyRefused, match="more than half"):
        load_policy(path)


A, B = KEYS[0].text(), KEYS[1].text()
SAME_KEY = VerifierKey("w.example/other", 0x04, KEYS[0].public).text()
LOG_AS_WITNESS = VerifierKey("w.example/log", 0x04, VerifierKey.parse(LOG).public).text()
WRONG = {
    "nothing": "",
    "no quorum": f"witness a {A}\n",
    "two quorums": f"witness a {A}\nquorum a\nquorum a\n",
    "quorum of nobody": f"witness a {A}\nquorum b\n",
    "quorum before": f"quorum a\nwitness a {A}\n",
    "a name twice": f"witness a {A}\nwitness a {B}\nquorum a\n",
    "a key twice": f"witness a {A}\nwitness b {A}\nquorum a\n",
    "a key twice, by another name": f"witness a {A}\nwitness b {SAME_KEY}\nquorum a\n",
    "a key in two roles": f"log {LOG}\nwitness a {LOG_AS_WITNESS}\nquorum a\n",
    "a log twice": f"log {LOG}\nlog {LOG}\nquorum none\n",
    "the name none": f"witness none {A}\nquorum none\n",
    "a log's key as a witness": f"witness a {LOG}\nquorum a\n",
    "a witness's key as a log": f"log {A}\nquorum none\n",
    "a group called like a witness": f"witness a {A}\ngroup a any a\nquorum a\n",
    "a group of nobody": f"witness a {A}\ngroup g any\nquorum g\n",
    "a group of none": f"witness a {A}\ngroup g any none\nquorum g\n",
    "a member that is not there": f"witness a {A}\ngroup g any a b\nquorum g\n",
    "a member of itself": f"witness a {A}\ngroup g any a g\nquorum g\n",
    "a member twice": f"witness a {A}\ngroup g 2 a a\nquorum g\n",
    "a member of two groups": f"witness a {A}\nwitness b {B}\ngroup g any a\ngroup h all a b\nquorum h\n",
    "0 of 1": f"witness a {A}\ngroup g 0 a\nquorum g\n",
    "2 of 1": f"witness a {A}\ngroup g 2 a\nquorum g\n",
    "01 of 1": f"witness a {A}\ngroup g 01 a\nquorum g\n",
    "-1 of 1": f"witness a {A}\ngroup g -1 a\nquorum g\n",
    "most of 1": f"witness a {A}\ngroup g most a\nquorum g\n",
    "a word that is none": f"witness a {A}\nquora a\n",
    "too many words": f"witness a {A} http://w.example x\nquorum a\n",
    "too few words": "witness a\nquorum a\n",
    "no key": "witness a b\nquorum a\n",
    "a file": f"witness a {A} file:///etc/passwd\nquorum a\n",
    "no host": f"witness a {A} http:///x\nquorum a\n",
    "a port that is none": f"witness a {A} http://h:99999/\nquorum a\n",
    "a query": f"witness a {A} http://h/?x\nquorum a\n",
    "CRLF": f"witness a {A}\r\nquorum a\r\n",
    "a vertical tab": f"witness\va {A}\nquorum a\n",
    "a NUL": "quorum none\0\n",
    "an unbreakable space": f"witness\u00a0a {A}\nquorum a\n",
    "an id that does not fit": f"witness a {A[:12]}0000{A[16:]}\nquorum a\n",
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_no_policy_is_refused(fault: str) -> None:
    with pytest.raises(BadNote):
        read(WRONG[fault])


def test_a_fault_is_told_with_its_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    with pytest.raises(PolicyRefused, match="cannot be read"):
        load_policy(path)
    path.write_text(f"witness a {A}\ngroup g 2 a a\nquorum g\n")
    with pytest.raises(PolicyRefused, match="line 2: a name is a member twice"):
        load_policy(path)


QUORUMS = [
    "quorum a\n",
    *(f"group g {k} a b c\nquorum g\n" for k in (1, 2, 3)),
    *(f"group g {k} a b c d e\nquorum g\n" for k in (2, 3, 4)),
    "group g 2 a b c d\nquorum g\n",
    "group g 3 a b c d\nquorum g\n",
    "group X 2 a b c\ngroup Y any d e f\ngroup g all X Y\nquorum g\n",
    "group X 2 a b c\ngroup Y any d e f\ngroup g any X Y\nquorum g\n",
    "group X any a b\ngroup Y any c d\ngroup g all X Y e\nquorum g\n",
    "group X any a b\ngroup Y any c d\ngroup g all X Y\nquorum g\n",
    "group X any a b\ngroup g 3 X c d e\nquorum g\n",
    "group X any a b\ngroup Y any c d\ngroup g 3 X Y e f\nquorum g\n",
]


@pytest.mark.parametrize("rule", QUORUMS)
def test_two_quorums_meet_exactly_where_it_is_said(rule: str, tmp_path: Path) -> None:
    policy = read(SIX + rule)
    every = list(chain.from_iterable(combinations("abcdef", n) for n in range(7)))
    quorums = [set(names) for names in every if met(policy, "".join(names))]
    meet = all(one & other for one in quorums for other in quorums)
    assert policy.intersects() == meet
    path = tmp_path / "policy"
    path.write_text(SIX + rule)
    if meet:
        assert load_policy(path) == policy
    else:
        with pytest.raises(PolicyRefused, match="more than half"):
            load_policy(path)
