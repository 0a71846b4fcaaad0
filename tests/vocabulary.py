"""The terms of the Data Privacy Vocabulary 2.3 that anything of ours may use.

`tests/data/dpv_terms.txt` holds the IRIs of the pinned release (W3C Software and Document Licence), so that a clone
without the vectors beside it checks the same; where the vectors are there, the two are compared.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "../shared/vectors/dpv"
COPY = Path(__file__).parent / "data" / "dpv_terms.txt"
VOCABULARIES = ("dpv", "pd", "eu-gdpr")
COUNTRY = re.compile(r"[A-Z]{2}")
PREFIXES = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "dpv-27560": "https://w3id.org/dpv/schema/dpv-27560#",
}
DUBLIN_CORE = "http://purl.org/dc/terms/"
SKOS = "http://www.w3.org/2004/02/skos/core#"
OTHERS = {
    f"{DUBLIN_CORE}{term}"
    for term in ("conformsTo", "created", "date", "description", "identifier", "language")
} | {f"{SKOS}broader"}


@cache
def terms() -> frozenset[str]:
    """Every IRI of the vocabulary, from the copy."""
    return frozenset(COPY.read_text(encoding="utf-8").split())


def pinned_terms() -> frozenset[str] | None:
    """The same from the pinned release; None where that is not beside the project."""
    if not VECTORS.exists():
        return None
    found = set()
    for name in (*VOCABULARIES, "loc"):
        with (VECTORS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if name != "loc" or COUNTRY.fullmatch(row["term"]):
                    found.add(row["iri"])
    schema = (VECTORS / "dpv-27560.ttl").read_text(encoding="utf-8")
    for term in re.findall(r"^dpv-27560:([\w-]+) a ", schema, re.MULTILINE):
        found.add(f"{PREFIXES['dpv-27560']}{term}")
    return frozenset(found)


def iris_of(document: Any, context: dict[str, str]) -> set[str]:
    """Every term that a JSON-LD document uses: its keys, its types, and what it refers to by a prefix."""
    found: set[str] = set()
    if isinstance(document, list):
        for one in document:
            found |= iris_of(one, context)
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "@context":
                continue
            if key in ("@id", "@type"):
                for text in value if isinstance(value, list) else [value]:
                    found.add(expanded(text, context))
            else:
                if not key.startswith("@"):
                    found.add(expanded(key, context))
                found |= iris_of(value, context)
    return found


def expanded(text: str, context: dict[str, str]) -> str:
    """The IRI behind a compact one."""
    prefix, colon, rest = text.partition(":")
    return context[prefix] + rest if colon and prefix in context else text
