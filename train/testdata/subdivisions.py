"""Rows for mlx train of a small task: the parts of countries that the package pycountry lists, as sentences to make records of.

usage: subdivisions.py OUT      writes OUT/train.jsonl, OUT/valid.jsonl and OUT/test.jsonl

Countries are in one of the files only, so that no row of validation and test has been seen. Needs pycountry 26.2.16.
"""
import json
import os
import random
import sys

import pycountry

SENTENCES = [
    "{name} is a {type} of {country}, with the code {code}.",
    "In {country} the {type} {name} has the code {code}.",
    "The code {code} stands for {name}, a {type} of {country}.",
    "{country}: {name} ({type}), code {code}.",
]


def row(rng, part):
    country = pycountry.countries.get(alpha_2=part.country_code).name
    text = rng.choice(SENTENCES).format(name=part.name, type=part.type.lower(), country=country, code=part.code)
    return {"prompt": text, "completion": f"{part.code}|{part.type.lower()}|{part.name}|{country}"}


def main(out):
    rng = random.Random(7)
    parts = [p for p in pycountry.subdivisions if p.name.isascii() and len(p.name) <= 20]
    countries = sorted({p.country_code for p in parts})
    rng.shuffle(countries)
    kinds = {"test": countries[:20], "valid": countries[20:40], "train": countries[40:]}
    os.makedirs(out, exist_ok=True)
    for name, count in ("train", 480), ("valid", 32), ("test", 50):
        rows = [row(rng, p) for p in sorted(parts, key=lambda p: p.code) if p.country_code in kinds[name]]
        rng.shuffle(rows)
        with open(f"{out}/{name}.jsonl", "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in rows[:count])


if __name__ == "__main__":
    main(sys.argv[1])
