"""The report as Markdown: for a pull request, a mail, a terminal."""

import catalogue as catalogues
import figures
import words

LEGEND = (
    "Each cell is the median over the calm rounds. The limit is the least machinery that does the "
    "same job; the ratio to it is what a runtime adds. The spread is half the distance between the "
    "quartiles. The counts are per operation: allocations by malloc, system calls by strace, "
    "instructions in user code by valgrind.")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |",
             "|" + "|".join(" --- " if at == 0 else " ---: " for at in range(len(header))) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def goals(results):
    rows = [[f"{verdict.workload.title}: {words.with_size(verdict.case, verdict.size)}",
             results.catalogue.competitors[verdict.competitor].name,
             words.measured(verdict), words.goal(verdict, results.catalogue),
             words.outcome(verdict)]
            for verdict in figures.verdicts(results)]
    return table(["figure", "who", "measured", "goal", ""], rows) if rows else "None measured."


def missed_goals(results):
    return "\n".join(f"- {workload.title}, {case.title}: {why}"
                     for workload, case, why in figures.missed(figures.verdicts(results)))


def row(results, workload, case, size, name, limit):
    figure = results.get(workload, case, size, name)
    extra = results.extra(workload, case, size, name)
    return [results.catalogue.competitors[name].name, words.number(figure.median),
            f"±{figure.spread * 100:.0f} %" + ("" if figure.calm else " (noisy)"),
            words.ratio(figure.median / limit[0]) if limit and limit[0] else "",
            words.per_operation(extra.get("allocations")),
            words.per_operation(extra.get("system calls")),
            words.number(extra.get("instructions"))]


def case_section(results, workload, case):
    parts = []
    for size in results.sizes(workload, case):
        limit = results.limit(workload, case, size)
        rows = [row(results, workload, case, size, name, limit)
                for name in results.competitors(workload, case, size)]
        header = [words.with_size(case, size), case.unit, "spread", "to the limit", "allocations",
                  "system calls", "instructions"]
        parts.append(table(header, rows))
    if not parts:
        return ""
    return "\n\n".join([f"### {case.title}", *([case.text] if case.text else []), *parts])


def report(result):
    everything = catalogues.parse(result["catalogue"])
    results = figures.Results(everything, result["samples"], result["counts"])
    parts = ["# Benchmarks", table(["", ""], words.heading(result))]
    warning = words.noise_warning(result)
    parts += [f"**{warning}**"] if warning else []
    parts += ["## Goals", goals(results)]
    reasons = missed_goals(results)
    parts += ["### Not reached, and why", reasons] if reasons else []
    if result["missing"]:
        parts += ["## Left out",
                  "\n".join(f"- {one['name']}: {one['why']} (`{one['remedy']}`)"
                            for one in result["missing"])]
    if result["failures"]:
        parts += ["## Failed", "\n".join("- " + ", ".join(one) for one in result["failures"])]
    parts += ["## Figures", LEGEND]
    for workload in everything.workloads:
        sections = [case_section(results, workload, case) for case in workload.cases]
        sections = [section for section in sections if section]
        if sections:
            parts += [f"## {workload.title}", workload.text, *sections]
    return "\n\n".join(parts) + "\n"
