"""The report as one HTML page that stands alone: no script, nothing fetched, light and dark, and
readable on a phone."""

import math
from html import escape

import catalogue as catalogues
import figures
import markdown
import plots
import words

STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --muted: #60646c; --page: #fcfcfd;
  --line: #dddfe4; --panel: #f3f4f6; --good: #18794e; --bad: #b42318;
  --mayhem: #3451b2; --limit: #8b8d98; --peer: #bd6b00; --python: #3d8b7d; }
@media (prefers-color-scheme: dark) { :root { --text: #edeef0; --muted: #a3a7b0; --page: #111214;
  --line: #34373d; --panel: #1b1d20; --good: #4cc38a; --bad: #ff8a80;
  --mayhem: #849dff; --limit: #8b8d98; --peer: #f0a53c; --python: #5fbfae; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .5rem; } h1 { margin-top: .5rem; }
h2 { border-top: 1px solid var(--line); padding-top: 1.5rem; }
p { max-width: 42rem; } .muted, caption { color: var(--muted); }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .25rem 0; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; } .left td, .left th { text-align: left; }
thead th { background: var(--panel); font-weight: 600; white-space: nowrap; }
td { white-space: nowrap; } .left td { white-space: normal; }
.reached { color: var(--good); font-weight: 600; } .missed { color: var(--bad); font-weight: 600; }
.warning { border-left: 4px solid var(--bad); padding: .5rem .75rem; background: var(--panel); }
figure { margin: .75rem 0; max-width: 34rem; }
figcaption { color: var(--muted); font-size: .875rem; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: var(--text); }
svg .small { font-size: 10px; fill: var(--muted); } svg .grid { stroke: var(--line); }
svg .whisker { stroke: var(--text); stroke-width: 1.5; }
svg polyline { fill: none; } svg polyline, svg line[class^=line] { stroke-width: 2; }
.dash-1 { stroke-dasharray: 6 3; } .dash-2 { stroke-dasharray: 2 3; }
.dash-3 { stroke-dasharray: 9 3 2 3; }
""" + "".join(f".fill-{kind} {{ fill: var(--{kind}); }} .line-{kind} {{ stroke: var(--{kind}); }}\n"
              for kind in catalogues.KINDS)


def cells(row, tag="td"):
    return "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in row)


def table(header, rows, kind="", caption=""):
    head = f"<thead><tr>{cells(header, 'th')}</tr></thead>" if any(header) else ""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (f'<div class="scroll"><table class="{kind}">{title}{head}<tbody>{body}</tbody></table>'
            "</div>")


def goals(results):
    rows = []
    for verdict in figures.verdicts(results):
        style = {True: "reached", False: "missed", None: "muted"}[verdict.reached]
        rows.append(cells([
            f"{verdict.workload.title}: {words.with_size(verdict.case, verdict.size)}",
            results.catalogue.competitors[verdict.competitor].name,
            words.measured(verdict), words.goal(verdict, results.catalogue)])
            + f'<td class="{style}">{words.outcome(verdict)}</td>')
    if not rows:
        return "<p>None measured.</p>"
    return table(["figure", "who", "measured", "goal", ""], rows, "left")


def missed_goals(results):
    items = "".join(f"<li><b>{escape(workload.title)}, {escape(case.title)}</b>: {escape(why)}</li>"
                    for workload, case, why in figures.missed(figures.verdicts(results)))
    return f"<h3>Not reached, and why</h3><ul>{items}</ul>" if items else ""


def figure(drawing, caption):
    if not drawing:
        return ""
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def bars(results, workload, case, size):
    """Ratios to the limit where there is one, values otherwise."""
    limit = results.limit(workload, case, size)
    scale, unit = (limit[0], "×") if limit and limit[0] else (1.0, case.unit)
    rows = []
    for name in results.competitors(workload, case, size):
        found = results.get(workload, case, size, name)
        competitor = results.catalogue.competitors[name]
        rows.append((competitor.name, competitor.kind, found.low / scale, found.median / scale,
                     found.high / scale))
    caption = words.with_size(case, size) + (
        f": times the limit, {words.number(scale)} {case.unit}" if unit == "×" else "")
    return figure(plots.bars(rows, unit, caption), caption)


def curves(results, workload, case):
    sizes = results.sizes(workload, case)
    if len(sizes) < 2:
        return ""
    series = []
    for name in workload.competitors:
        points = [(size, results.get(workload, case, size, name)) for size in sizes]
        competitor = results.catalogue.competitors[name]
        series.append((competitor.name, competitor.kind,
                       [(size, found.median) for size, found in points if found]))
    caption = f"{case.title}: {case.unit} by size"
    return figure(plots.curves(series, case.unit, caption), caption)


def speed_up(results, workload, case):
    """How a figure scales with loops, against the ideal."""
    series = [(results.catalogue.competitors[name].name, results.catalogue.competitors[name].kind,
               results.speed_up(workload, case, name)) for name in workload.competitors]
    caption = f"{case.title}: times as fast as with one loop; the straight line is the ideal"
    return figure(plots.speed_up(series, caption), caption)


def costs(results, workload, case, size):
    """Bars of what noise cannot touch."""
    parts = []
    for what in ("instructions", "system calls", "allocations"):
        rows = []
        for name in results.competitors(workload, case, size):
            value = results.extra(workload, case, size, name).get(what)
            competitor = results.catalogue.competitors[name]
            if value is not None and value >= 0.005:
                rows.append((competitor.name, competitor.kind, value, value, value))
        caption = f"{words.with_size(case, size)}: {what} per operation; who is not shown has none"
        parts.append(figure(plots.bars(rows, "", caption), caption))
    return "".join(parts)


def tables(results, workload, case):
    header = ["", case.unit, "spread", "to the limit", "allocations", "system calls",
              "instructions"]
    parts = []
    for size in results.sizes(workload, case):
        limit = results.limit(workload, case, size)
        rows = [cells(markdown.row(results, workload, case, size, name, limit))
                for name in results.competitors(workload, case, size)]
        parts.append(table(header, rows, caption=words.with_size(case, size)))
    return "".join(parts)


def overview(results, what):
    """A map of one count over all cases: a row for each case, a column for each competitor, the
    darker the more."""
    names = [name for name, one in results.catalogue.competitors.items() if one.kind != "python"]
    rows = []
    for workload in results.catalogue.workloads:
        for case in workload.benchmarks():
            if not results.sizes(workload, case):
                continue
            size = size_to_plot(results, workload, case)
            counts = [results.extra(workload, case, size, name).get(what) for name in names]
            if any(value is not None for value in counts):
                title = f"{workload.title}: {words.with_size(case, size)}"
                rows.append(cells([title]) + "".join(map(shaded, counts)))
    if not rows:
        return ""
    header = ["", *(results.catalogue.competitors[name].name for name in names)]
    return table(header, rows, caption=f"{what} per operation")


def shaded(value):
    """A cell of a map: nothing at all is green, ten are as dark as it gets."""
    if value is None:
        return "<td></td>"
    colour = "good" if value < 0.005 else "bad"
    part = 25 if value < 0.005 else min(60, 60 * math.log10(1 + 9 * value / 10))
    style = f"background: color-mix(in srgb, var(--{colour}) {part:.0f}%, transparent)"
    return f'<td style="{style}">{words.per_operation(value)}</td>'


def overviews(results):
    maps = "".join(overview(results, what) for what in ("allocations", "system calls"))
    return f"<h2>Allocations and system calls</h2>{maps}" if maps else ""


def size_to_plot(results, workload, case):
    """The size that the goals speak of; the largest where none does."""
    sizes = results.sizes(workload, case)
    wanted = [goal.size for goal in case.goals if goal.size in sizes]
    return wanted[0] if wanted else sizes[-1]


def case_section(results, workload, case):
    if not results.sizes(workload, case):
        return ""
    size = size_to_plot(results, workload, case)
    parts = [f"<h3>{escape(case.title)}</h3>", f"<p>{escape(case.text)}</p>" if case.text else ""]
    if case.plot:
        over_sizes = speed_up if case.scaling else curves
        parts += [bars(results, workload, case, size), over_sizes(results, workload, case)]
    parts.append(tables(results, workload, case))
    # Other figures of the same benchmark have the same costs.
    untouched = costs(results, workload, case, size) if case.benchmark == case.id else ""
    if untouched:
        parts.append(f"<details><summary>What noise cannot touch</summary>{untouched}</details>")
    return "".join(parts)


def notes(result):
    parts = []
    if result["missing"]:
        items = "".join(f"<li>{escape(one['name'])}: {escape(one['why'])} "
                        f"(<code>{escape(one['remedy'])}</code>)</li>" for one in result["missing"])
        parts.append(f"<h2>Left out</h2><ul>{items}</ul>")
    if result["failures"]:
        items = "".join(f"<li>{escape(', '.join(one))}</li>" for one in result["failures"])
        parts.append(f"<h2>Failed</h2><ul>{items}</ul>")
    return "".join(parts)


def report(result):
    everything = catalogues.parse(result["catalogue"])
    results = figures.Results(everything, result["samples"], result["counts"])
    warning = words.noise_warning(result)
    sections = []
    for workload in everything.workloads:
        inner = "".join(case_section(results, workload, case) for case in workload.cases)
        if inner:
            sections.append(f"<h2>{escape(workload.title)}</h2><p>{escape(workload.text)}</p>"
                            + inner)
    body = (f"<h1>Mayhem: benchmarks</h1>"
            + table(["", ""], [cells(fact) for fact in words.heading(result)], "left")
            + (f'<p class="warning">{escape(warning)}</p>' if warning else "")
            + f"<h2>Goals</h2>{goals(results)}{missed_goals(results)}{notes(result)}"
            + f"<h2>How to read this</h2><p>{escape(markdown.LEGEND)}</p>"
            + overviews(results) + "".join(sections))
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>Mayhem: benchmarks</title><style>{STYLE}</style></head>"
            f"<body>{body}</body></html>\n")
