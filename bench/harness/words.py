"""How figures are written for people: three digits, their unit, and one sentence per goal."""


def number(value):
    """Three significant digits, without an exponent."""
    if value is None:
        return ""
    size = abs(value)
    if size >= 99.5:
        return f"{value:,.0f}"
    if size >= 9.95:
        return f"{value:.1f}"
    if size >= 0.0095 or size == 0:
        return f"{value:.2f}"
    return f"{value:.2g}" if size >= 0.0001 else "0"


def ratio(value):
    return f"{number(value)} ×" if value is not None else ""


def per_operation(value):
    """Counts are small whole numbers most of the time, and are written so."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value - round(value)) < 0.005 else number(value)


def with_size(case, size):
    return f"{case.title}, {size:,}" if size else case.title


def goal(verdict, catalogue):
    """`at most 1.30 × the raw limit (6.01 ns)`."""
    wanted = verdict.goal
    if not wanted.times:
        return f"at most {number(wanted.at_most)} {verdict.case.unit}"
    if wanted.times == "itself":
        name = f"itself at size {wanted.than_size}"
    elif wanted.times == "best peer":
        name = "best peer"
    else:
        name = catalogue.competitors[wanted.times].name
    text = f"at most {number(wanted.at_most)} × {name}"
    if verdict.bound is None:
        return text + " (not measured)"
    if wanted.times == "best peer":
        text += f", {catalogue.competitors[verdict.reference].name}"
    return f"{text} ({number(verdict.bound)} {verdict.case.unit})"


def measured(verdict):
    return "" if verdict.value is None else f"{number(verdict.value)} {verdict.case.unit}".strip()


def outcome(verdict):
    if verdict.reached is None:
        return "not measured"
    return "reached" if verdict.reached else "not reached"


def heading(result):
    """Facts of the machine and the session: [(what, value)]."""
    about = result["machine"]
    noisy = sum(1 for sample in result["samples"] if sample["noisy"])
    total = len(result["samples"])
    facts = [
        ("Date", about["date"]),
        ("Commit", about["commit"] or "unknown"),
        ("Machine", f"{about['processors']} × {about['processor']}, {about['memory_gb']} GB"
                    + (", virtual" if about["virtual"] else "")),
        ("System", f"{about['system']}, Linux {about['kernel']}"),
        ("Compiler", f"{about['compiler']}, -O2 -DNDEBUG"),
        ("Session", f"{result['rounds']} rounds of at least {result['seconds']} s per turn"
                    + (", quick" if result["quick"] else "")),
        ("Noise", f"{noisy} of {total} measurements had a busy machine beside them"),
    ]
    if about["governor"] not in ("", "performance"):
        facts.append(("Warning", f"the CPU governor is {about['governor']}, not performance"))
    return facts


def noise_warning(result):
    """A sentence when the session cannot be trusted; empty otherwise."""
    noisy = sum(1 for sample in result["samples"] if sample["noisy"])
    if result["samples"] and noisy > len(result["samples"]) / 2:
        return "The machine was busy during most of this session: take the times as rough, and " \
            "measure again on a calm one. Counts (instructions, system calls, allocations) hold."
    if result["quick"]:
        return "A quick session: good for a first look. Ratios may be off by a tenth."
    return ""
