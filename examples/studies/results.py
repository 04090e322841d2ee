"""From finished runs to the tables of a study: table.md, results.json, and what pictures are drawn from."""

import json

import figures
import options as opts
import runs as definitions
from runner import Run, write_whole


def runs_of(root, table, seeds):
    """The runs of each row: a list of lists, seeds inside."""
    return [[Run(root, opts.join(row.train, f"--seed {seed}")) for seed in range(1, seeds + 1)]
            for row in table.rows]


def study_runs(root, tables, seeds):
    """Every run that the tables need, once, all rows of seed 1 first."""
    found = {}
    for seed in range(seeds):
        for table in tables:
            for row in runs_of(root, table, seeds):
                found.setdefault(row[seed].name, row[seed])
    return list(found.values())


def command(study, seeds, quick):
    return (f"python3 examples/studies/studies.py {study} --seeds {seeds}" + (" --quick" if quick else ""))


def data_text(results):
    """What the runs of a table were trained and tested with, and what is wrong with that."""
    seen = sorted({(data.get("training_images"), data.get("test_images")) for data in
                   (result["metrics"].get("data") or {} for result in results)}, key=str)
    seen = [each for each in seen if None not in each]
    if len(seen) > 1:
        texts = " and ".join(f"{train} / {test}" for train, test in seen)
        return "", f"its runs are from different data ({texts} images): remove those that are not wanted"
    return (f"{seen[0][0]:,} training and {seen[0][1]:,} test images" if seen else ""), None


def shared_options(table):
    """The options that all rows of a table have, and those of each row beyond them."""
    parsed = [opts.parse(row.train) for row in table.rows]
    shared = {name: value for name, value in parsed[0].items()
              if all(name in each and each[name] == value for each in parsed)}
    own = [{name: value for name, value in each.items() if name not in shared} for each in parsed]
    return opts.write(shared), [opts.write(each) for each in own]


def summarize(study, root, tables, seeds, quick):
    """All that pages and pictures need, every figure rounded, and a list of what is wrong."""
    problems = []
    made = []
    for table in tables:
        by_row = [[run.result() for run in row] for row in runs_of(root, table, seeds)]
        results = [[each for each in row if each] for row in by_row]
        missing = sum(seeds - len(row) for row in results)
        if missing:
            problems.append(f"{table.name}: {missing} of {seeds * len(results)} runs are not finished")
        data, problem = data_text([each for row in results for each in row])
        if problem:
            problems.append(f"{table.name}: {problem}")
        shared, own = shared_options(table)
        made.append({
            "name": table.name,
            "title": table.title,
            "data": data,
            "options": shared,
            "first": table.first,
            "columns": [{"name": name, "title": figures.COLUMNS[name].title,
                         "digits": figures.COLUMNS[name].digits} for name in table.columns],
            "rows": [{"name": row.name, "options": options, "series": row.series, "x": row.x,
                      "figures": figures.row_figures(found, table.columns)}
                     for row, options, found in zip(table.rows, own, results)],
            "picture": f"{table.name}.svg" if table.picture else None,
        })
    return {"study": study, "command": command(study, seeds, quick), "seeds": seeds, "quick": quick,
            "finished": not problems, "tables": made}, problems


def caption(summary, table):
    seeds = summary["seeds"]
    parts = [f"{table['title']}: {table['data']}" if table["data"] else table["title"]]
    parts.append("one seed" if seeds == 1 else f"mean ± standard deviation of {seeds} seeds")
    return f"*{'; '.join(parts)}.* Every run: `{table['options']}`."


def markdown(summary, table, images=None):
    """A table with its caption; with its picture, where that lies in the folder `images`."""
    titles = [table["first"], *(column["title"] for column in table["columns"])]
    lines = [caption(summary, table), "", "| " + " | ".join(titles) + " |",
             "|---" + "|---:" * len(table["columns"]) + "|"]
    for row in table["rows"]:
        cells = [figures.cell(row["figures"][column["name"]], column["digits"], summary["seeds"])
                 for column in table["columns"]]
        lines.append("| " + " | ".join([row["name"], *cells]) + " |")
    own = [f"- {row['name']}: `{row['options']}`" for row in table["rows"] if row["options"]]
    lines += ["", "Beyond that:", "", *own] if own else []
    if images and table["picture"]:
        lines += ["", f"![{table['title']}]({images}/{table['picture']})"]
    return "\n".join(lines) + "\n"


def write_study(study, root, tables, seeds, quick):
    """Writes table.md and results.json into root/<study>. Returns the summary and what is wrong with it."""
    summary, problems = summarize(study, root, tables, seeds, quick)
    folder = root / study
    text = f"# {study}\n\nBy `{summary['command']}`\n"
    text += "".join(f"\n{problem}\n" for problem in problems)
    for table in summary["tables"]:
        text += f"\n## {table['name']}\n\n" + markdown(summary, table)
    write_whole(folder / "table.md", text)

    every = {}
    for table in tables:
        for row, found in zip(table.rows, runs_of(root, table, seeds)):
            for run in found:
                if run.name not in every:
                    every[run.name] = {
                        "run": run.name, "rows": [], "seed": run.seed,
                        "train": f"ldmat-train {run.train} --threads 1",
                        "evaluate": " ".join(["ldmat-eval", run.evaluate]).strip(),
                        "seconds": run.note()["seconds"],
                        **(run.result() or {"metrics": None, "evaluation": None})}
                every[run.name]["rows"].append([table.name, row.name])
    whole = {**summary, "runs": list(every.values())}
    write_whole(folder / "results.json", json.dumps(whole, indent=1) + "\n")
    return summary, problems
