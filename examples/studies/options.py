"""Options of ldmat-train as text: joined, compared, and made into the name of a run's folder."""

import hashlib
import shlex


def parse(text):
    """The options of a line such as "--loss softmax --two-sided" as a dict; a switch has the value None."""
    words = []
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        words += [name, value] if word.startswith("--") and equals else [word]
    options = {}
    name = None
    for word in words:
        if word.startswith("--"):
            name = word
            options.pop(name, None)
            options[name] = None
        elif name is None or options[name] is not None:
            raise ValueError(f"'{word}' in '{text}' is neither an option nor the value of one")
        else:
            options[name] = word
    return options


def write(options):
    """The line that parse() reads as `options`."""
    words = []
    for name, value in options.items():
        words += [name] if value is None else [name, value]
    return shlex.join(words)


def join(*lines):
    """All options of `lines` in one line; where one is given twice, its last value, as for ldmat-train."""
    return write(parse(" ".join(lines)))


def without(line, names):
    return write({name: value for name, value in parse(line).items() if name not in names})


def folder_name(line):
    """Says what a run is, and differs where any option does; the order of options does not matter."""
    options = parse(line)
    digest = hashlib.sha256(write(dict(sorted(options.items()))).encode()).hexdigest()[:10]
    words = [options.get("--dataset", "digits"), options.get("--loss", "ldmat")]
    if "--dim" in options:
        words.append(f"{options['--dim']}d")
    return "-".join([*words, f"seed{options.get('--seed', '1')}", digest])
