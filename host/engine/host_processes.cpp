// Processes: execute on the caller's own thread, execute_stream on one of the engine's.
#include <system_error>
#include <utility>

#include "admission.hpp"
#include "diagnostics.hpp"
#include "host_implementation.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::uint64_t kept_of_a_stream = std::uint64_t{1} << 20U;

std::unique_ptr<StdinPipe> make_stdin() {
    try {
        return std::make_unique<StdinPipe>();
    } catch (const std::system_error& failure) {
        throw Error(engine_diagnostics::no_system_resource,
                    std::string("cannot make a pipe for stdin: ") + failure.what(),
                    "Look at the limit of open files (ulimit -n)");
    }
}

}  // namespace

ProcessConfig Host::Implementation::filled(ProcessConfig process, Method method) const {
    const auto& defaults = configuration_.defaults;
    if (!process.kill_grace) process.kill_grace = defaults.kill_grace;
    if (!process.drain_grace) process.drain_grace = defaults.drain_grace;
    if (!process.max_output_bytes)
        process.max_output_bytes = method == Method::execute ? defaults.max_output_bytes : kept_of_a_stream;
    return process;
}

ActiveCall::AtShutdown Host::Implementation::at_shutdown(const SandboxName& sandbox, const Offer& offer) {
    // What is destroyed anyway is ended properly; what lives on keeps its processes where the provider can leave them.
    const bool leave = offer.has_feature("detach") && !is_mine(sandbox);
    return leave ? ActiveCall::AtShutdown::detach : ActiveCall::AtShutdown::cancel;
}

ProcessResult Host::Implementation::execute(const SandboxName& sandbox, const ProcessConfig& process,
                                            const CallOptions& options) {
    at_place(Method::execute, sandbox.provider, sandbox.id, [&] { admit_process(process, Method::execute); });
    auto full = filled(process, Method::execute);
    return with_autostart(sandbox, options, [&](const CallOptions& left) {
        Job job{Method::execute, sandbox.provider, sandbox.id, left, &full};
        job.admit = [&](const ProviderConfiguration& provider, const Offer& offer) {
            admit_features(offer, configuration_.defaults.on_unsupported, full,
                           warning(provider.name, Method::execute));
        };
        return run(std::move(job), [&](Provider& provider, ActiveCall& call) {
            Collector collector(full);
            try {
                const auto end = provider.execute(call.call(), sandbox.id, full, collector);
                return collector.record().result(end, call.call().cancel_reason(), false);
            } catch (...) {
                throw collector.record().failure(call.current_failure());
            }
        });
    });
}

std::shared_ptr<ProcessState> Host::Implementation::execute_stream(const SandboxName& sandbox,
                                                                   const ProcessConfig& process, Overflow overflow,
                                                                   OutputReceiver* receiver,
                                                                   const CallOptions& options) {
    at_place(Method::execute_stream, sandbox.provider, sandbox.id,
             [&] { admit_process(process, Method::execute_stream); });
    return with_autostart(sandbox, options, [&](const CallOptions& left) {
        auto full = filled(process, Method::execute_stream);
        Job job{Method::execute_stream, sandbox.provider, sandbox.id, left, &full};
        auto pipe = full.interactive ? make_stdin() : nullptr;
        if (pipe) job.standard_input = pipe->take_read_end();
        job.admit = [&](const ProviderConfiguration& provider, const Offer& offer) {
            admit_features(offer, configuration_.defaults.on_unsupported, full,
                           warning(provider.name, Method::execute_stream));
        };
        auto entered = begin(job);
        const auto& offer = entered.provider->offer();
        entered.call->at_shutdown(at_shutdown(sandbox, offer));
        const auto placed = [&](std::optional<Error> error) {
            return error ? std::optional(entered.call->explained(*error)) : std::nullopt;
        };
        ProcessState::Setup setup{std::move(full), overflow, receiver, {}, std::move(pipe)};
        setup.powers.no_signals = placed(missing_feature(offer, "signals", "this signal"));
        setup.powers.no_detach = placed(missing_feature(offer, "detach", "detach"));
        auto state = std::make_shared<ProcessState>(std::move(setup));
        const auto provider = entered.provider;
        state->attach(std::move(entered.call), std::move(entered.place));
        threads_->start([state, provider, id = sandbox.id] {
            state->run([&](Call& call, ProcessReceiver& heard) {
                return provider->execute_stream(call, id, state->process(), heard);
            });
        });
        state->wait_until_started();
        return state;
    });
}

}  // namespace berth::inline host_v1
