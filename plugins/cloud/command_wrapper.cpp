#include "command_wrapper.hpp"

#include "text.hpp"

namespace berth_cloud {

namespace {

// Variables set before it: t token, d directory, i input, l limit, g grace and s its number of 0.05 s, r drain, b end the
// background; and the function last, which exports those of the program's variables that are named like one of these or
// of its own. Arguments: the program's argv.
//
// Lines that begin with a colon are its own, on stdout but for one:
//   :d missing|file|denied   the directory is no place to run in; nothing was started
//   :f TOOL                  the image lacks this tool; nothing was started
//   :n CODE                  there is no such program (127), or it cannot be run (126); the reason is on stderr
//   :p PID                   the program begins now; its process id, which is also that of its group
//   :z                       on stderr: nothing of its own follows there
//   :x STATUS [s][t]         it has ended: the shell's status; s: by a signal; t: its time was over
// All others are base64 of what the program wrote.
//
// Each stream goes through a fifo to a pump. A pump reads what there is, so that output is live, and ends with its
// fifo; or, when something in the background keeps that open, behind the end mark. Then `cat` takes the fifo over, so
// that what runs on does not die of a broken pipe. A pump that begins to read when the file z is there reads up to
// the mark at least: it was written before; and it is written again and again, so that this read always ends. It stops by
// itself with its fifo and with the wrapper. What is in a session of its own is ended by its group, or by its number
// where a quick command is over before that group is there. The program runs in the foreground: in the background a shell
// would make it ignore SIGINT.
constexpr const char* body = R"SH(
f=/tmp/.berth-$t p=$PATH
PATH=/usr/local/bin:/usr/bin:/bin:$PATH
[ -z "$BASH_VERSION" ] || eval 'set +o posix'
exec 8>&1 9>&2 </dev/null
end() { kill -KILL "-$1" || kill -KILL "$1"; } 2>/dev/null
no() { echo ":n $1" >&8; echo "berth: $2: $3" | base64 >&9; echo :z >&9; exit 0; }
cd "$d" 2>/dev/null || {
  if [ ! -e "$d" ]; then echo ':d missing'; elif [ ! -d "$d" ]; then echo ':d file'; else echo ':d denied'; fi
  exit 0
}
for x in setsid mkfifo dd base64; do command -v $x >/dev/null || { echo ":f $x"; exit 0; }; done
q= n= z=
case $1 in
*/*) q=$1 ;;
*)
  IFS=:; set -f
  for x in $p; do
    x=${x:-.}/$1
    if [ -f "$x" ] && [ -x "$x" ]; then q=$x; break; elif [ -e "$x" ]; then n=$x; fi
  done
  unset IFS; set +f; q=${q:-$n} ;;
esac
[ -n "$q" ] && [ -e "$q" ] || no 127 "$1" 'not found'
[ ! -d "$q" ] || no 126 "$1" 'is a directory'
[ -x "$q" ] || no 126 "$1" 'permission denied'
case $1 in -*) shift; set -- "$q" "$@" ;; esac
mkfifo -m 600 "$f.o" "$f.e" 2>/dev/null && exec 6<>"$f.o" 7<>"$f.e" 4<"$f.o" 5<"$f.e" 2>"$f.n" || { echo ':f /tmp' >&8; exit 0; }
pump() {
  exec 4<&- 5<&- 6>&- 7>&- 2>/dev/null
  while [ ! -e "$f.z" ] || z=1; m=$(dd bs=131072 count=1 | base64) && [ -n "$m" ]; do
    echo "$m"
    [ -z "$z" ] || break
  done
}
pump <&4 >&8 8>&- 9>&- & o=$!
pump <&5 >&9 8>&- 9>&- & r2=$!
w=
if [ -n "$l" ]; then
  setsid sh -c 'sleep "$2"; read -r c <"$1.p" || exit; : >"$1.t"; kill -TERM "-$c"
    n=0; while kill -0 "-$c" && [ $n -lt "$3" ]; do sleep 0.05; n=$((n + 1)); done; kill -KILL "-$c"' \
    sh "$f" "$l" "$s" >/dev/null 2>&1 4<&- 5<&- 6>&- 7>&- 8>&- 9>&- & w=$!
fi
( set -- "$f" "$p" "$@"; last
  exec setsid sh -c 'echo $$ >"$1.p"; echo ":p $$" >&8; PATH=$2; shift 2; exec "$@" 8>&-' sh "$@" 6>&- 7>&- 9>&-
) <"${i:-/dev/null}" >&6 2>&7 4<&- 5<&-
x=$?
y=
if [ $x -gt 128 ]; then
  if [ -s "$f.n" ]; then y=s; else
    case $x in 130 | 141) y=s ;; 143) [ -z "$BASH_VERSION" ] || y=s ;; esac
  fi
fi
exec 6>&- 7>&- 2>/dev/null
if [ -n "$w" ]; then if [ -e "$f.t" ]; then y=${y}t; wait $w; else end $w; fi; fi
read -r c <"$f.p"
if [ -n "$b" ] && kill -TERM "-$c"; then
  n=0; while kill -0 "-$c" && [ $n -lt "$s" ]; do sleep 0.05; n=$((n + 1)); done; kill -KILL "-$c"
fi
setsid sh -c 'sleep "$3"; while [ -p "$1.o" ] && kill -0 "$4"; do
    printf "\001berth-%s" "$2" 1<>"$1.o"; printf "\001berth-%s" "$2" 1<>"$1.e"
    : >"$1.z"; sleep 0.05; done' sh "$f" "$t" "$r" "$$" >/dev/null 2>&1 4<&- 5<&- 8>&- 9>&- & k=$!
wait $o $r2
if [ -e "$f.z" ]; then
  setsid cat <&4 >/dev/null 2>&1 4<&- 5<&- 8>&- 9>&- &
  setsid cat <&5 >/dev/null 2>&1 4<&- 5<&- 8>&- 9>&- &
fi
end $k
rm -f "$f.o" "$f.e" "$f.n" "$f.p" "$f.t" "$f.z" ${i:+"$i"}
echo :z >&9
echo ":x $x $y" >&8
)SH";

std::string number(std::int64_t value) {
    return std::to_string(value);
}

std::string looks(std::int64_t kill_grace_ms) {
    return number((kill_grace_ms + 49) / 50);
}

}  // namespace

std::string scratch_prefix(const std::string& token) {
    return "/tmp/.berth-" + token;
}

std::string end_mark(const std::string& token) {
    return "\001berth-" + token;
}

bool is_wrappers_own(std::string_view name) {
    const bool is_letter = name.size() == 1 && name.front() >= 'a' && name.front() <= 'z';
    return is_letter || name == "r2" || name == "BASH_VERSION" || name == script_variable;
}

std::vector<std::string> words_for_script_variable() {
    const std::string name = script_variable;
    return {"-c", "set -- \"$" + name + "\"; unset " + name + "; eval \"$1\"", "sh"};
}

std::string wrapper_script(const CommandPlan& plan) {
    std::string script = "t=" + plan.token + " d=" + shell_word(plan.directory) +
                         " l=" + (plan.timeout_ms > 0 ? seconds(plan.timeout_ms) : "") +
                         " s=" + looks(plan.kill_grace_ms) + " r=" + seconds(plan.drain_grace_ms) +
                         " b=" + (plan.background == Background::end ? "1" : "") +
                         " i=" + (plan.input_file ? shell_word(*plan.input_file) : "") + "\n";
    std::string last = "last() {\n:\n";
    for (const auto& [name, value] : plan.odd_variables)
        (is_wrappers_own(name) ? last : script) += "export " + name + "=" + shell_word(value) + "\n";
    script += last + "}\nset --";
    for (const std::string& word : plan.argv)
        script += " " + shell_word(word);
    return script + body;
}

std::string signal_script(std::int64_t pid, int signal) {
    const bool to_group = signal == 15 || signal == 9;
    return "kill -" + number(signal) + " " + (to_group ? "-" : "") + number(pid);
}

std::string ladder_script(std::int64_t pid, std::int64_t kill_grace_ms) {
    const std::string group = "-" + number(pid);
    return "kill -15 " + group + "; n=0; while kill -0 " + group + " && [ $n -lt " + looks(kill_grace_ms) +
           " ]; do sleep 0.05; n=$((n + 1)); done; kill -9 " + group;
}

}  // namespace berth_cloud
