#include "process_run.hpp"

#include "text.hpp"

namespace berth_cloud {

namespace {

using berth::Code;
using berth::Error;

constexpr std::size_t most_setup_output = 64U << 10;

/// To the host's sink.
class CallerSink final : public RunSink {
public:
    CallerSink(berth::ProcessSink& sink, const berth::Process& process) : sink_(sink), process_(process) {}
    void started(std::optional<std::int64_t> pid) override { sink_.started(pid); }
    [[nodiscard]] bool wants(berth::Stream stream) const override { return !process_.discards(stream); }
    berth::Delivered output(berth::Stream stream, std::string_view bytes,
                            const std::function<void(const berth::Event&)>& on_event) override {
        return sink_.output(stream, bytes, on_event);
    }

private:
    berth::ProcessSink& sink_;
    const berth::Process& process_;
};

/// The newest part of both streams.
class KeptSink final : public RunSink {
public:
    void started(std::optional<std::int64_t>) override {}
    [[nodiscard]] bool wants(berth::Stream) const override { return true; }
    berth::Delivered output(berth::Stream stream, std::string_view bytes,
                            const std::function<void(const berth::Event&)>&) override {
        std::string& to = stream == berth::Stream::out ? out : err;
        to.append(bytes);
        if (to.size() > most_setup_output) to.erase(0, to.size() - most_setup_output);
        return berth::Delivered::taken;
    }
    std::string out;
    std::string err;
};

std::vector<std::string> secrets_of(const berth::Variables& env) {
    std::vector<std::string> secrets;
    for (const berth::Variable& item : env)
        if (item.secret && item.value.size() >= 4) secrets.push_back(item.value);
    return secrets;
}

RunPlan plan_of(const ProcessDefaults& defaults, const berth::Process& process) {
    RunPlan plan;
    plan.command.token = random_token();
    plan.command.argv.emplace_back(process.command());
    for (const std::string_view argument : process.args())
        plan.command.argv.emplace_back(argument);
    const berth::Environment given = process.environment();
    plan.command.directory = given.cwd() ? absolute_path(*given.cwd(), defaults.directory) : defaults.directory;
    plan.command.timeout_ms = given.timeout() ? given.timeout()->count() : defaults.timeout_ms.value_or(0);
    plan.command.kill_grace_ms = process.kill_grace().count();
    plan.command.drain_grace_ms = process.drain_grace().count();
    plan.command.background = process.kills_background() ? Background::end : Background::keep;
    plan.env = defaults.env;
    plan.env.merge(given.env());
    if (process.input()) plan.input = std::string{*process.input()};
    return plan;
}

}  // namespace

void run_setup_line(CommandLink& link, berth::Call& call, const ProcessDefaults& defaults, std::string_view line,
                    std::uint64_t index, const KeepLines& keep) {
    RunPlan plan;
    plan.command.token = random_token();
    plan.command.argv = {"sh", "-c", std::string{line}};
    plan.command.directory = defaults.directory;
    plan.command.timeout_ms = defaults.timeout_ms.value_or(0);
    plan.env = defaults.env;
    KeptSink kept;
    LogLines log(secrets_of(plan.env));
    const berth::ProcessEnd end = Run(link, call, kept, log).run(plan);
    keep(log.take());
    if (end.kind == berth::EndKind::cancelled) throw Error(Code::cancelled, "cancelled in a setup command");
    if (end.kind == berth::EndKind::exited && end.exit_code == 0) return;
    const int code = end.kind == berth::EndKind::timeout ? 124 : end.signal != 0 ? 128 + end.signal : end.exit_code;
    throw Error(Code::execution_failed, "a setup command failed")
        .index(index)
        .detail("command", line)
        .detail("exit_code", std::to_string(code))
        .detail("stdout", kept.out)
        .detail("stderr", kept.err);
}

berth::ProcessEnd run_process(CommandLink& link, berth::Call& call, const ProcessDefaults& defaults,
                              const berth::Process& process, berth::ProcessSink& sink, const KeepLines& keep) {
    const RunPlan plan = plan_of(defaults, process);
    CallerSink to(sink, process);
    LogLines log(secrets_of(plan.env));
    Run run(link, call, to, log);
    try {
        const berth::ProcessEnd end = run.run(plan);
        keep(log.take());
        return end;
    } catch (const Error& error) {
        if (!run.was_sent()) throw;
        keep(log.take());
        // It was sent: whatever code this has, nobody may send it again.
        if (!error.is_recorded() && (error.code() == Code::not_found || error.code() == Code::not_ready))
            throw Error(Code::unavailable, error.message()).outcome(berth::Outcome::unknown);
        throw;
    }
}

}  // namespace berth_cloud
