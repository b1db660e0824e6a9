#include "run_request.hpp"

#include "failure.hpp"
#include "protocol.hpp"

namespace berth_local {
namespace {

std::uint32_t flags_of(const ProcessRequest& request) {
    std::uint32_t flags = request.kill_background ? protocol::run_kill_background : 0;
    if (request.groups != nullptr) {
        flags |= static_cast<std::uint32_t>(request.groups->size()) << protocol::run_groups_shift;
    }
    if (request.terminal) {
        // Its output is read in any case. With a live stdin it is hung up should we die.
        return flags | protocol::run_terminal | (request.live_input ? protocol::run_stdin : 0);
    }
    flags |= request.discard_stdout ? protocol::run_discard_stdout : 0;
    flags |= request.discard_stderr ? protocol::run_discard_stderr : 0;
    flags |= request.input || request.live_input ? protocol::run_stdin : 0;
    return flags;
}

}  // namespace

void write_run_request(std::string& output, const ProcessRequest& request) {
    protocol::Writer frame(output, protocol::Type::run);
    frame.u32(protocol::version)
        .u32(flags_of(request))
        .i64(request.timeout_ms)
        .i64(request.kill_grace_ms)
        .text(request.directory)
        .u32(static_cast<std::uint32_t>(request.arguments.size()));
    for (const std::string& argument : request.arguments) {
        frame.text(argument);
    }
    frame.u32(static_cast<std::uint32_t>(request.environment.size()));
    for (const std::string& variable : request.environment) {
        frame.text(variable);
    }
    if (request.terminal) {
        frame.u32(request.terminal->rows).u32(request.terminal->columns);
    }
    frame.finish();
    if (output.size() > protocol::max_request) {
        throw refusal(BERTH_INVALID_ARGUMENT, "the arguments and the environment together are larger than 8 MiB");
    }
}

}  // namespace berth_local
