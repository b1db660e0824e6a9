// odd.so: a provider that runs nothing and does on command what no honest provider does often: loses connections,
// passes deadlines, says hostile things. It has the optional methods and a terminal, but no live stdin. For tests.
#include <berth/provider.hpp>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using berth::Code;
using berth::EndKind;
using berth::Outcome;
using berth::ProcessEnd;
using berth::Stream;

constexpr std::string_view hostile = "\x1b[2J\nnew line";

class Odd {
public:
    Odd(berth::Host host, const berth::Settings& settings)
        : host_(host), list_fails_(settings.get<bool>("/list_fails", false)) {}

    berth::SandboxInfo create(berth::Call&, const berth::SandboxConfig& config, berth::FileSource&) {
        auto info = box();
        info.idempotency_key = config.idempotency_key();
        return info;
    }
    berth::SandboxInfo get(berth::Call&, std::string_view id) {
        if (id != "box") throw berth::Error(Code::not_found, "there is only one box");
        return box();
    }
    std::vector<berth::SandboxInfo> list(berth::Call&) {
        if (list_fails_) throw berth::Error(Code::unavailable, "the backend does not answer");
        return {box()};
    }
    void destroy(berth::Call& call, std::string_view id) {
        if (id == "stuck") wait_for_cancel(call, Outcome::unknown);
    }
    ProcessEnd execute(berth::Call& call, std::string_view id, const berth::Process& process,
                       berth::ProcessSink& sink) {
        return execute_stream(call, id, process, sink);
    }
    ProcessEnd execute_stream(berth::Call& call, std::string_view, const berth::Process& process,
                              berth::ProcessSink& sink) {
        const auto command = process.command();
        if (command == "never") throw berth::Error(Code::execution_failed, "it never starts").outcome(Outcome::none);
        sink.started(7);
        if (command == "leak") leak(call, process, sink);
        if (command == "input") say(sink, process.input().value_or("none"));
        if (command == "terminal") return terminal(call, process, sink);
        if (command == "lose") {
            say(sink, "so far\n");
            throw berth::Error(Code::unavailable, "the connection was lost").outcome(Outcome::unknown);
        }
        if (command == "killed") return ProcessEnd::by_signal(9);
        if (command == "memory") return ProcessEnd::by_signal(9, EndKind::out_of_memory);
        return ProcessEnd::exited(0);
    }
    void upload_files(berth::Call&, std::string_view, berth::FileSource&) {}
    void download_files(berth::Call&, std::string_view, berth::Paths, berth::FileSink&) {}
    berth::Usage get_resource_usage(berth::Call&, std::string_view) { return {}; }
    bool is_ready(berth::Call&, std::string_view) { return true; }
    berth::SandboxInfo restart(berth::Call& call, std::string_view) {
        wait_for_cancel(call, Outcome::none);
        return box();
    }
    std::string create_snapshot(berth::Call&, std::string_view, std::string_view name) {
        return "snap-" + std::string(name);
    }
    void restore_snapshot(berth::Call&, std::string_view, std::string_view snapshot) { require_snapshot(snapshot); }
    std::vector<berth::SnapshotInfo> list_snapshots(berth::Call&) {
        berth::SnapshotInfo info;
        info.id = "snap-one";
        info.name = "one";
        info.sandbox_id = "box";
        info.created_at = berth::Time{berth::Duration{1'790'000'000'000}};
        info.size_bytes = 2048;
        return {info};
    }
    void delete_snapshot(berth::Call&, std::string_view snapshot) { require_snapshot(snapshot); }
    void get_logs(berth::Call& call, std::string_view, const berth::LogOptions& options, berth::ByteSink& sink) {
        if (options.lines() != 1) static_cast<void>(sink.write("first\n"));
        static_cast<void>(sink.write("second \xff\n"));
        if (options.follow()) wait_for_cancel(call, Outcome::none);
    }
    void set_environment_variables(berth::Call&, std::string_view, berth::Pairs set, berth::Strings) {
        for (const berth::Pair pair : set) {
            if (pair.name == "REFUSED") throw berth::Error(Code::resource_exhausted, "too much").outcome(Outcome::none);
        }
    }
    berth::Variables get_environment_variables(berth::Call&, std::string_view) {
        return {{"A", "1"}, {"B", "two\nlines"}, {"C", "\xff"}};
    }

private:
    static berth::SandboxInfo box() {
        berth::SandboxInfo info;
        info.id = "box";
        info.state = berth::SandboxState::error;
        info.created_at = berth::Time{berth::Duration{1'790'000'000'000}};
        info.persistent = true;
        info.name = "odd box";
        info.error_text = std::string(hostile);
        info.labels = {{"a", std::string(hostile)}};
        return info;
    }
    static void require_snapshot(std::string_view snapshot) {
        if (snapshot != "snap-one") throw berth::Error(Code::snapshot_not_found, "no such snapshot");
    }
    /// Does with its secret what no plugin should: logs it, reports it, crashes with it in memory.
    void leak(berth::Call& call, const berth::Process& process, berth::ProcessSink&) {
        const auto token = host_.find_secret(call, "/token").value_or("none");
        const auto where = process.args().empty() ? std::string_view("error") : *process.args().begin();
        if (where == "log") host_.log(berth::LogLevel::error, "the token is " + token);
        if (where == "error") {
            throw berth::Error(Code::internal, "refused " + token).hint("not " + token).detail("token", token);
        }
        if (where == "progress") call.progress("with " + token, 0, 0);
        if (where == "crash") std::abort();
    }
    [[noreturn]] static void wait_for_cancel(berth::Call& call, Outcome outcome) {
        while (!call.cancelled()) {
            try {
                call.sleep(berth::Duration{60'000});
            } catch (const berth::Error&) {
                break;
            }
        }
        throw berth::Error(Code::cancelled, "given up").outcome(outcome);
    }
    static void say(berth::ProcessSink& sink, std::string_view bytes) {
        static_cast<void>(sink.output(Stream::out, bytes));  // who does not listen any more ends the call himself
    }
    static std::string size_text(std::uint32_t rows, std::uint32_t columns) {
        return std::to_string(rows) + "x" + std::to_string(columns) + "\n";
    }
    /// Says the terminal's size, then each new one, until it is told to end.
    static ProcessEnd terminal(berth::Call& call, const berth::Process& process, berth::ProcessSink& sink) {
        const auto terminal = process.terminal();
        if (!terminal) return ProcessEnd::exited(3);
        say(sink, std::string(terminal->name) + " " + size_text(terminal->rows, terminal->columns));
        while (true) {
            try {
                call.sleep(berth::Duration{60'000});
            } catch (const berth::Error&) {
                return ProcessEnd::by_signal(15, EndKind::cancelled);
            }
            while (const auto event = call.next_event()) {
                if (event->kind == berth::EventKind::resize) {
                    say(sink, size_text(event->rows, event->columns));
                }
            }
        }
    }

    berth::Host host_;
    bool list_fails_;
};

}  // namespace

BERTH_PLUGIN(Odd, R"({
  "name": "odd",
  "version": "1.2.3",
  "description": "For tests of the command line",
  "features": ["tty", "log_follow", "persistent", "restart_keeps_files"],
  "config": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
      "list_fails": { "type": "boolean", "default": false, "description": "whether list fails" },
      "token": { "type": "string", "writeOnly": true, "x-env": ["ODD_TOKEN"], "description": "a secret" }
    }
  }
})")
