"""Every link within the repository's Markdown files leads somewhere: to a file, or to a heading of one.
Every page of docs/ is reached from the README by links.

    python3 tests/docs/check_links.py SOURCE_DIR
"""

import pathlib
import re
import sys

LINK = re.compile(r"!?\[(?:[^][]|\[[^]]*\])*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")


def lines_of(text):
    """The lines that are not code, without what stands in backquotes."""
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            code = not code
        elif not code and not line.startswith("    "):
            yield number, re.sub(r"`[^`]*`", lambda match: "x" * len(match[0]), line), line


def anchors(text):
    """The headings' anchors as GitHub makes them."""
    found = set()
    for _, _, line in lines_of(text):
        heading = re.match(r"#+\s+(.*?)\s*#*$", line)
        if not heading:
            continue
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "").lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        times = 0
        unique = anchor
        while unique in found:
            times += 1
            unique = f"{anchor}-{times}"
        found.add(unique)
    return found


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    skipped = {"build", "out", ".git", ".cache"}
    pages = sorted(
        path
        for path in root.rglob("*.md")
        if not any(
            part in skipped or part.startswith("build") for part in path.relative_to(root).parts
        )
    )
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    errors = []
    links = {page: set() for page in pages}
    count = 0
    for page, text in texts.items():
        where = page.relative_to(root)
        for number, line, _ in lines_of(text):
            for target in LINK.findall(line):
                if re.match(r"[a-z]+:", target):
                    continue
                count += 1
                path, _, anchor = target.partition("#")
                file = (page.parent / path).resolve() if path else page
                if not file.is_relative_to(root) or not file.exists():
                    errors.append(f"{where}:{number}: there is no {target}")
                    continue
                if file in texts:
                    links[page].add(file)
                    if anchor and anchor not in anchors(texts[file]):
                        errors.append(f"{where}:{number}: {path or where} has no heading #{anchor}")

    reached = set()
    todo = [root / "README.md"]
    while todo:
        page = todo.pop()
        if page not in reached:
            reached.add(page)
            todo += links[page]
    for page in pages:
        if page.parent == root / "docs" and page not in reached:
            errors.append(f"{page.relative_to(root)}: no link leads here from README.md")

    for error in errors:
        print(error)
    print(f"{count} links in {len(pages)} pages, {len(errors)} errors")
    if count < 10:
        print("fewer links than expected: is the search broken?")
    sys.exit(bool(errors) or count < 10)


if __name__ == "__main__":
    main()
