"""What the benchmarks measured, as the tables of docs/performance.md. Knows the goals; runs nothing."""

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"

SPAWN, BARE = "posix_spawn + wait", "bwrap until it runs"


def ratio(result, figure, baseline):
    """How many times `baseline` a figure is: the median of the rounds' own ratios. None: not measured."""
    for item in result["figures"] if result else []:
        if item["name"] == figure:
            return item["ratio_to"].get(baseline)
    return None


def speed(result, figure, baseline):
    """The same for sizes in a time: more is better."""
    found = ratio(result, baseline, figure)
    return found


def fraction(value):
    """1/40 is easier to read than 0.025."""
    return f"1/{1 / value:.0f} x" if value < 0.2 else f"{value:.2f} x"


def at_most(limit, shown=None):
    return shown or f"<= {limit} x", lambda value: value <= limit


def at_least(limit):
    return f">= {limit} x", lambda value: value >= limit


def rows(results):
    """(what, goal and its test, measured value, name of the benchmark, how the value is written)"""
    start, sandbox = results.get("start"), results.get("sandbox")
    output, files = results.get("output"), results.get("files") or {}
    many, idle = results.get("many"), results.get("idle")
    kib = {item["name"]: item["kib_each"] for item in idle["figures"]} if idle else {}
    memory = kib["sandbox"] / kib["bwrap holding a static program"] if idle else None
    growth = output["memory_growth_kib"] / 1024 if output else None
    return [
        ("create to ready, against bwrap with the same namespaces and binds until it runs", at_most(1.3),
         ratio(sandbox, "create", BARE), "sandbox", fraction),
        ("execute `true`, output captured, against posix_spawn and wait", at_most(1.5),
         ratio(sandbox, "execute", SPAWN), "sandbox", fraction),
        ("the same against Mastra's LocalSandbox with bwrap", at_most(1 / 5, "<= 1/5 x"),
         ratio(sandbox, "execute", "Mastra LocalSandbox"), "sandbox", fraction),
        ("the same against exec through podman's API", at_most(1 / 40, "<= 1/40 x"),
         ratio(sandbox, "execute", "podman API"), "sandbox", fraction),
        ("destroy until nothing is left, against posix_spawn and wait", at_most(1.6),
         ratio(sandbox, "destroy", SPAWN), "sandbox", fraction),
        ("whole process `berth run -- true`, against whole process `bwrap ... true`", at_most(2.0),
         ratio(start, "berth run -- true", "bwrap ... true"), "start", fraction),
        ("1 GiB of output to a callback, speed against a bare read loop", at_least(0.8),
         speed(output, "execute_stream to a callback", "pipe and a read loop"), "output", fraction),
        ("growth of the host's memory over that", ("<= 2 MiB", lambda value: value <= 2), growth, "output",
         lambda value: f"{value:.1f} MiB"),
        ("upload of 1 GiB, speed against `cp` to a fresh file", at_least(0.9),
         speed(files.get("large"), "upload of the file", "cp to a fresh file"), "files", fraction),
        ("upload of 10,000 files of 1 KiB, time against GNU tar unpacking them", at_most(1.0),
         ratio(files.get("small"), "upload of the tree", "tar unpack"), "files", fraction),
        ("memory of 1,000 idle sandboxes, against as many bwrap holding a static program", at_most(1.3), memory, "idle",
         fraction),
        ("10,000 executes, 500 in flight: start rate against a posix_spawn loop", at_least(0.7),
         ratio(many, "execute", "posix_spawn loop"), "many", fraction),
        ("`berth plugin ls` of 1,000 files: trust and manifests read, against a bare read of the same bytes", at_most(2.0),
         ratio(results.get("plugins"), "plugin catalog", "bare read of the same bytes"), "plugins", fraction),
        *direct_rows(results.get("table")),
        *worker_rows(results.get("worker") or {}),
        *cloud_rows("vercel", results.get("vercel") or {}),
        *cloud_rows("daytona", results.get("daytona") or {}),
    ]


def direct_rows(table):
    """What a provider adds to a bare call of the table, in nanoseconds: the median of the rounds' own differences."""
    medians = {item["name"]: item["median"] for item in table["figures"]} if table else {}
    rows = [(f"a call of a plugin in this process, {what}: what it adds to the bare function pointer", at_most_ns,
             medians.get(f"{method}: added"), "table", lambda value: f"{value:.0f} ns")
            for method, what, at_most_ns in (
                ("destroy", "without an answer (`destroy`)", ("<= 30 ns", lambda value: value <= 30)),
                ("is_ready", "with one (`is_ready`)", ("<= 30 ns", lambda value: value <= 30)))]
    rows.append(("memory that such a call allocates", ("none", lambda value: value == 0),
                 sum(table["allocations"].values()) if table else None, "table",
                 lambda value: "none" if value == 0 else f"{value:.0f} pieces"))
    return rows


def worker_rows(worker):
    calls, starts = worker.get("calls"), worker.get("starts")
    resident = calls["resident_kib"] / 1024 if calls else None
    return [
        ("a call through a worker, against a socketpair round trip of 256 bytes", at_most(1.3),
         ratio(calls, "get through a worker", "socketpair round trip"), "worker", fraction),
        ("1 GiB of output through a worker, speed against the same in this process", at_least(0.7),
         speed(worker.get("output"), "output, through a worker", "output, in this process"), "worker", fraction),
        ("upload of 1 GiB through a worker, speed against the same in this process", at_least(0.7),
         speed(worker.get("upload"), "upload, through a worker", "upload, in this process"), "worker", fraction),
        ("a worker started and open, against posix_spawn and wait", at_most(10),
         ratio(starts, "worker until it is open", SPAWN), "worker", fraction),
        ("memory of an idle worker", ("<= 6 MiB", lambda value: value <= 6), resident, "worker",
         lambda value: f"{value:.1f} MiB"),
        ("the next call after a worker was killed, against its start", at_most(3),
         ratio(starts, "next call after a kill", "worker until it is open"), "worker", fraction),
    ]


# An upload and a download of 100 MiB, against the official client.
TRANSFER_GOALS = {"vercel": (15, 2.5), "daytona": (7, 4)}


def cloud_rows(vendor, cloud):
    official, plugin = "official client", f"{vendor}.so"
    result = []

    def row(what, goal, value, written=fraction):
        result.append((what, goal, value, vendor, written))

    def row_part(what, part, value):
        row(what, at_most(1 / part, f"<= 1/{part} x"), value)

    for what, words in (("inspect", f"`berth inspect {vendor}/ID`"), ("ls", f"`berth ls` with {vendor}")):
        figure = f"berth {what}"
        row_part(f"whole process {words}, against the official client", 30, ratio(cloud.get(what), figure, official))
        row(f"whole process {words}, against a libcurl program", at_most(1.5),
            ratio(cloud.get(what), figure, "bare libcurl program"))
    turn, flight = cloud.get("turn"), cloud.get("flight")
    row_part(f"{vendor}: executes in turn, against the official client", 25, ratio(turn, plugin, official))
    row_part(f"{vendor}: executes, 100 in flight, against the official client", 20, ratio(flight, plugin, official))
    row("the same, speed against a libcurl multi", at_least(0.7), speed(flight, plugin, "libcurl multi"))
    for what, part in zip(("upload", "download"), TRANSFER_GOALS[vendor]):
        row_part(f"{vendor}: {what} of 100 MiB, against the official client", part,
                 ratio(cloud.get(what), plugin, official))
    memory = cloud.get("memory")
    row(f"{vendor}: growth of memory from a file of 1 MiB, up and down, to one of 1 GiB",
        ("<= 4 MiB", lambda value: value <= 4), memory["memory_growth_kib"] / 1024 if memory else None,
        lambda value: f"{value:.1f} MiB")
    if vendor == "daytona":
        row(f"{vendor}: 100 MB of followed log, both streams apart, speed against a Boost.Beast client that counts",
            at_least(0.7), speed(cloud.get("follow"), plugin, "Boost.Beast that counts"))
    return result


def goals_table(results):
    lines = ["| what | goal | measured | | again |", "| --- | --- | --- | --- | --- |"]
    for what, (goal, met), value, name, written in rows(results):
        measured = "not measured" if value is None else written(value)
        verdict = "" if value is None else "met" if met(value) else "missed"
        lines.append(f"| {what} | {goal} | {measured} | {verdict} | `./dev bench {name}` |")
    lines.append("")
    return "\n".join(lines)


def milliseconds(value):
    return f"{value / 1000:.2f} ms" if value < 100_000 else f"{value / 1e6:.2f} s"


def times_table(title, result, compared):
    lines = [f"**{title}** ({result['rounds']} rounds)", "",
             "| | median | best | p10 to p90 | " + " | ".join(f"times {name}" for name in compared) + " |",
             "|" + " --- |" * (4 + len(compared))]
    for item in result["figures"]:
        ratios = [f"{item['ratio_to'][name]:.2f}" for name in compared]
        lines.append(f"| {item['name']} | {milliseconds(item['median'])} | {milliseconds(item['best'])} | "
                     f"{milliseconds(item['p10'])} to {milliseconds(item['p90'])} | " + " | ".join(ratios) + " |")
    return "\n".join(lines)


def idle_table(result):
    lines = [f"**Memory of one idle sandbox** (of {result['sandboxes']} alive at once)", "",
             "| | all | PSS | slab | page tables | kernel stacks |", "|" + " --- |" * 6]
    for item in result["figures"]:
        kinds = ("kib_each", "pss_kib_each", "slab_kib_each", "page_tables_kib_each", "kernel_stacks_kib_each")
        cells = [f"{item[kind]:.0f} KiB" for kind in kinds]
        lines.append(f"| {item['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def many_table(result):
    lines = ["**Many at once**", "", "| | starts a second |", "| --- | --- |"]
    lines += [f"| {item['name']} | {item['median']:.0f} |" for item in result["figures"]]
    return "\n".join(lines)


def direct_table(result):
    lines = [f"**A method of a plugin in this process** ({result['rounds']} rounds)", "",
             "| | median | best | p10 to p90 |", "|" + " --- |" * 4]
    for item in result["figures"]:
        if not item["name"].endswith(": added"):  # differences are in the table of goals
            lines.append(f"| {item['name']} | {item['median']:.1f} ns | {item['best']:.1f} ns | "
                         f"{item['p10']:.1f} ns to {item['p90']:.1f} ns |")
    return "\n".join(lines)


def cloud_table(vendor, cloud):
    """Times of every side, one under the other; what they are times of differs from line to line."""
    lines = [f"**{vendor}, over its stand-in**", "", "| what | side | median | best | p10 to p90 |", "|" + " --- |" * 5]
    kinds = {"inspect": "one sandbox, whole process", "ls": "list, whole process", "turn": "commands in turn",
             "flight": "commands, 100 in flight", "upload": "upload", "download": "download", "follow": "followed log"}
    for kind, what in kinds.items():
        for item in cloud[kind]["figures"] if cloud.get(kind) else []:
            lines.append(f"| {what} | {item['name']} | {milliseconds(item['median'])} | {milliseconds(item['best'])} | "
                         f"{milliseconds(item['p10'])} to {milliseconds(item['p90'])} |")
    return "\n".join(lines)


def document_text(results, machine):
    parts = [machine, goals_table(results).rstrip()]
    if results.get("start"):
        parts.append(times_table("Whole processes", results["start"], ["true", "bwrap ... true"]))
    if results.get("sandbox"):
        parts.append(times_table("A sandbox through the library", results["sandbox"], [SPAWN, BARE]))
    if results.get("output"):
        parts.append(times_table("1 GiB of output", results["output"], ["pipe and a read loop"]))
    if results.get("files"):
        parts.append(times_table("1 GiB in one file", results["files"]["large"], ["cp to a fresh file"]))
        parts.append(times_table("10,000 files of 1 KiB", results["files"]["small"], ["tar unpack"]))
    if results.get("idle"):
        parts.append(idle_table(results["idle"]))
    if results.get("many"):
        parts.append(many_table(results["many"]))
    if results.get("table"):
        parts.append(direct_table(results["table"]))
    parts += [cloud_table(vendor, results[vendor]) for vendor in ("vercel", "daytona") if results.get(vendor)]
    return "\n\n".join(parts)


def replaced(text, figures):
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"the document has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{figures}\n{END}{after}"
