#include "processes.hpp"

#include "cloud/setup.hpp"
#include "command_link.hpp"

namespace berth_vercel {

namespace {

using berth::Error;

ProcessDefaults defaults_of(const Record& record) {
    return {record.env, record.directory(), record.timeout_ms};
}

}  // namespace

void run_setup(const Backend& backend, berth::Call& call, const Place& place, const Record& record,
               const berth::Strings& lines) {
    berth_cloud::run_setup([&] { return std::make_unique<VercelCommand>(backend.api, call, place); }, call,
                           defaults_of(record), lines,
                           [&](const std::string& printed) { backend.log.append(call, place.sandbox, printed); });
}

berth::ProcessEnd run_process(const Backend& backend, berth::Call& call, std::string_view id,
                              const berth::Process& process, berth::ProcessSink& sink) {
    return backend.in_session(call, id, [&](const Place& place, const Record& record) {
        VercelCommand command(backend.api, call, place);
        return berth_cloud::run_process(
            command, call, defaults_of(record), process, sink, [&](const std::string& printed) {
                try {
                    backend.log.append(call, id, printed);
                    backend.used(call, id, record);
                } catch (const Error&) {
                    backend.warn("the output of a command could not be kept in its sandbox's log");
                }
            });
    });
}

}  // namespace berth_vercel
