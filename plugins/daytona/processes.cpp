#include "processes.hpp"

#include "cloud/setup.hpp"
#include "cloud/text.hpp"

namespace berth_daytona {

namespace {

using berth::Code;
using berth::Error;

ProcessDefaults defaults_of(const Record& record) {
    return {record.env, record.directory(), record.timeout_ms};
}

bool is_usual_name(std::string_view name) {
    return !name.empty() && (name.front() < '0' || name.front() > '9') &&
           name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
               std::string_view::npos;
}

}  // namespace

void run_setup(const Backend& backend, berth::Call& call, std::string_view id, const Record& record,
               const berth::Strings& lines) {
    const Place place{record.current, record.box};
    berth_cloud::run_setup(
        [&] { return std::make_unique<DaytonaCommand>(backend.api, call, place, Listening::after_a_look); }, call,
        defaults_of(record), lines, [&](const std::string& printed) { backend.log.append(call, id, printed); });
}

void give_variables(const Backend& backend, berth::Call& call, const Record& record,
                    const std::vector<std::string>& unset) {
    Json set = Json::object();
    for (const berth::Variable& item : record.env)
        if (is_usual_name(item.name) && is_utf8(item.value)) set[item.name] = item.value;
    if (set.empty() && unset.empty()) return;
    try {
        backend.api.set_variables(call, record.box, set, unset);
    } catch (const Error& error) {
        if (error.is_recorded() || error.code() == Code::cancelled) throw;
        if (error.code() != Code::not_found)
            backend.warn("variables reach only commands that are run through Berth: " + error.message());
    }
}

berth::ProcessEnd run_process(const Backend& backend, berth::Call& call, std::string_view id,
                              const berth::Process& process, berth::ProcessSink& sink, Listening listening) {
    const auto attempt = [&](const Record& record) {
        DaytonaCommand command(backend.api, call, {record.current, record.box}, listening);
        return berth_cloud::run_process(
            command, call, defaults_of(record), process, sink, [&](const std::string& printed) {
                try {
                    backend.log.append(call, id, printed);
                    backend.used(call, id, record);
                } catch (const Error&) {
                    backend.warn("the output of a command could not be kept in its sandbox's log");
                }
            });
    };
    const Record placed = backend.placed(call, id);
    try {
        return attempt(placed);
    } catch (const Error& error) {
        // Where it should be is nothing that answers; it was not sent then. 401 stands for an unknown sandbox, too.
        const bool elsewhere =
            error.code() == Code::not_found || error.code() == Code::not_ready || error.code() == Code::auth_failed;
        if (!elsewhere || error.is_recorded()) throw;
        const Known known = backend.running(call, id);
        if (known.record.current == placed.current && known.record.box == placed.box) throw;
        return attempt(known.record);
    }
}

}  // namespace berth_daytona
