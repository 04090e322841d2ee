"""docs/results.md: its tables stand between markers, and are made of docs/results/*.json.

<!-- study:NAME --> ... <!-- /study:NAME --> holds the table NAME, or says that it was not measured.
<!-- seen:NAME --> ... <!-- /seen:NAME --> is for what a person has to write; only whether it is still to be
written is looked at.
"""

import json
import re

import runs as definitions
from results import markdown
from runner import read_json, write_whole

NOT_MEASURED = "*Not measured yet.*\n"
TO_BE_WRITTEN = "*To be written.*"
MARKER = re.compile(r"^<!-- (/?)(study|seen):([\w-]+) -->$", re.MULTILINE)
IMAGES = "images/results"


class PageError(Exception):
    """The page's markers or files are not as they must be; the message says which."""


def known_tables():
    return {table.name: study for study in definitions.STUDIES for table in definitions.tables(study)}


def places(text):
    """{(kind, name): (begin, end)} of what stands between the markers."""
    found = {}
    opened = None
    for match in MARKER.finditer(text):
        closes, *key = match.groups()
        key = tuple(key)
        line = text.count("\n", 0, match.start()) + 1
        if not closes:
            if opened:
                raise PageError(f"line {line}: {match[0]} stands within {':'.join(opened[0])}")
            if key in found:
                raise PageError(f"line {line}: {match[0]} stands there twice")
            opened = (key, match.end() + 1)
        elif not opened or opened[0] != key:
            raise PageError(f"line {line}: {match[0]} closes what is not open")
        else:
            found[key] = (opened[1], match.start())
            opened = None
    if opened:
        raise PageError(f"there is no <!-- /{':'.join(opened[0])} -->")
    return found


def check_names(found):
    known = known_tables()
    names = {name for kind, name in found if kind == "study"}
    problems = [f"there is no table {name}" for name in sorted(names - set(known))]
    problems += [f"the table {name} has no markers" for name in known if name not in names]
    if problems:
        raise PageError("; ".join(problems))


def kept(into):
    """{study: summary} of docs/results/*.json."""
    found = {}
    for path in sorted((into / "results").glob("*.json")):
        summary = read_json(path)
        study = summary.get("study") if isinstance(summary, dict) else None
        if study != path.stem or study not in definitions.STUDIES:
            raise PageError(f"{path.name} is not what `studies.py docs` writes of a study")
        found[study] = summary
    return found


def contents(summaries):
    """What must stand between the markers of each table."""
    texts = {name: NOT_MEASURED for name in known_tables()}
    for study, summary in summaries.items():
        try:
            for table in summary["tables"]:
                if known_tables().get(table["name"]) != study:
                    raise PageError(f"{study}.json has the table {table['name']}, which {study} has not")
                text = markdown(summary, table, IMAGES)
                texts[table["name"]] = f"{text}\nBy `{summary['command']}`.\n"
        except (KeyError, TypeError) as error:
            raise PageError(f"{study}.json: not as `studies.py docs` writes it: {error!r}") from error
    return texts


def filled(text, texts):
    """The page with the texts between its markers, which must be those of check_names()."""
    found = places(text)
    for (kind, name), (begin, end) in sorted(found.items(), key=lambda item: -item[1][0]):
        if kind == "study":
            text = text[:begin] + texts[name] + text[end:]
    return text


def why_not(study, summary):
    """Why results are not for the page yet; None where they are."""
    try:
        if summary["quick"]:
            return "only a quick try"
        if not summary["finished"]:
            return "not finished"
        if summary["seeds"] < definitions.seeds(study):
            return f"only {summary['seeds']} of {definitions.seeds(study)} seeds"
    except (KeyError, TypeError) as error:
        raise PageError(f"{study}/results.json: not as a study writes it: {error!r}") from error
    return None


def copy(root, into, studies, partial=False):
    """Takes the results of `studies` from root into docs. Returns what it did, a line each."""
    page = into / "results.md"
    check_names(places(page.read_text(encoding="utf-8")))  # before anything is written
    done = []
    taken = {}
    pictures = {}
    for study in studies:
        summary = read_json(root / study / "results.json")
        if summary is None:
            done.append(f"{study}: no results in {root}; what the page has stays")
            continue
        why = why_not(study, summary)
        if why and not partial:
            done.append(f"{study}: {why}; what the page has stays (--partial takes it all the same)")
            continue
        try:
            names = [table["picture"] for table in summary["tables"] if table["picture"]]
        except (KeyError, TypeError) as error:
            raise PageError(f"{study}/results.json: not as a study writes it: {error!r}") from error
        missing = [name for name in names if not (root / study / name).exists()]
        if missing:
            raise PageError(f"{study}: the pictures {', '.join(missing)} are not drawn; with matplotlib "
                            f"`studies.py {study}` draws them")
        pictures |= {name: (root / study / name).read_text(encoding="utf-8") for name in names}
        taken[study] = {name: value for name, value in summary.items() if name != "runs"}
        done.append(f"{study}: taken")
    text = filled(page.read_text(encoding="utf-8"), contents({**kept(into), **taken}))
    for study, summary in taken.items():
        write_whole(into / "results" / f"{study}.json", json.dumps(summary, indent=1) + "\n")
    for name, picture in pictures.items():
        write_whole(into / IMAGES / name, picture)
    write_whole(page, text)
    return done


def check(into):
    """Throws PageError where the page is not what docs/results/*.json say. Returns remarks, a line each."""
    text = (into / "results.md").read_text(encoding="utf-8")
    found = places(text)
    check_names(found)
    texts = contents(kept(into))
    problems = [f"the table {name} is not that of results/{study}.json (`studies.py docs` writes it)"
                for name, study in known_tables().items()
                if text[slice(*found["study", name])] != texts[name]]
    wanted = {name for each in texts.values() for name in re.findall(rf"\({IMAGES}/([^)]+)\)", each)}
    there = {path.name for path in (into / IMAGES).glob("*")}
    problems += [f"{IMAGES}/{name} is not there" for name in sorted(wanted - there)]
    problems += [f"{IMAGES}/{name} belongs to no table" for name in sorted(there - wanted)]
    if problems:
        raise PageError("\n".join(problems))
    remarks = [f"not measured yet: {name}" for name, each in texts.items() if each == NOT_MEASURED]
    return remarks + [f"to be written: {name}" for (kind, name), (begin, end) in found.items()
                      if kind == "seen" and TO_BE_WRITTEN in text[begin:end]]
