// What a daemon says of its sandbox: version, folders, metrics, ports; and its environment, which can be changed.
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <utility>

#include "endpoints.hpp"
#include "fields.hpp"
#include "inside.hpp"
#include "shapes.hpp"
#include "toolbox.hpp"

namespace standin::daytona {

namespace {

constexpr std::int64_t gibibyte = std::int64_t{1} << 30U;

Answer version(const Call& call) {
    const Lock lock(call.world.mutex);
    return json_answer({{"version", call.world.behaviour.daemon_version}});
}

Answer home(const Call& call) {
    return json_answer({{"dir", home_of(*call.sandbox)}});
}

std::int64_t memory_in_use(const Call& call) {
    std::istringstream lines(
        run_inside(call.world, *call.sandbox, "cat /proc/[0-9]*/statm 2> /dev/null; exit 0", {}).output);
    std::int64_t pages = 0;
    for (std::string line; std::getline(lines, line);) {
        std::int64_t size = 0;
        std::int64_t resident = 0;
        if (std::istringstream(line) >> size >> resident) pages += resident;
    }
    return pages * ::sysconf(_SC_PAGESIZE);
}

/// Time that processors were busy, and all of it, since the machine started.
struct ProcessorTime {
    std::int64_t busy = 0;
    std::int64_t all = 0;
};

/// The machine's, of which a sandbox's is a part: nothing else is known of it without a group of its own.
ProcessorTime processor_time() {
    std::ifstream file("/proc/stat");
    std::string name;
    file >> name;
    ProcessorTime time;
    std::int64_t value = 0;
    for (int field = 0; field < 8 && file >> value; ++field) {
        time.all += value;
        if (field != 3 && field != 4) time.busy += value;  // idle, waiting for disks
    }
    return time;
}

/// Percent of the sandbox's limit since it was asked for last; 0 the first time, as the daemon says before its first sample.
double used_processors(Sandbox& sandbox) {
    const auto now = processor_time();
    const auto busy = now.busy - std::exchange(sandbox.processor_busy, now.busy);
    const auto all = now.all - std::exchange(sandbox.processor_all, now.all);
    if (all <= 0 || all == now.all) return 0;
    const auto cores = static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN)) / static_cast<double>(sandbox.cpu);
    return std::min(100.0, 100.0 * static_cast<double>(busy) / static_cast<double>(all) * cores);
}

Answer metrics(const Call& call) {
    const auto memory = memory_in_use(call);
    const auto used = static_cast<std::int64_t>(size_of_tree(call.sandbox->disk));
    const Lock lock(call.world.mutex);
    auto& sandbox = *call.sandbox;
    return json_answer({{"cpuCount", sandbox.cpu},
                        {"cpuUsedPct", used_processors(sandbox)},
                        {"memTotal", sandbox.memory * gibibyte},
                        {"memUsed", memory},
                        {"memCache", 0},
                        {"diskTotal", sandbox.disk_size * gibibyte},
                        {"diskUsed", used},
                        {"diskFree", std::max<std::int64_t>(0, sandbox.disk_size * gibibyte - used)},
                        {"timestamp", time_text(call.world.now())},
                        {"timestampUnix", call.world.now() / 1000}});
}

Answer set_environment(const Call& call) {
    const Fields fields(call.request);
    const auto set = fields.texts("set");
    for (const auto& [name, value] : set) {
        if (!is_variable_name(name)) bad_request("invalid environment variable name: " + name);
    }
    const Lock lock(call.world.mutex);
    auto& sandbox = *call.sandbox;
    for (const auto& name : fields.list("unset")) {
        sandbox.daemon_environment.erase(name);
        sandbox.env.erase(name);
    }
    for (const auto& [name, value] : set) {
        sandbox.daemon_environment[name] = value;
    }
    return json_answer(Json::object());
}

/// The sandbox's own listeners, from its network namespace.
Json listening(const Call& call) {
    std::istringstream lines(
        run_inside(call.world, *call.sandbox, "cat /proc/net/tcp /proc/net/tcp6 2> /dev/null; exit 0", {}).output);
    auto ports = Json::array();
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string number;
        std::string local;
        std::string remote;
        std::string state;
        words >> number >> local >> remote >> state;
        if (state == "0A") ports.push_back(std::stoi(local.substr(local.rfind(':') + 1), nullptr, 16));
    }
    return ports;
}

Answer port_in_use(const Call& call) {
    for (const auto& port : listening(call)) {
        if (std::to_string(port.get<int>()) == call.rest[1]) return json_answer({{"isInUse", true}});
    }
    return json_answer({{"isInUse", false}});
}

}  // namespace

std::optional<Answer> information_endpoints(const Call& call) {
    if (call.is("GET", {"version"})) return version(call);
    for (const auto* name : {"work-dir", "user-home-dir", "project-dir"}) {
        if (call.is("GET", {name})) return home(call);
    }
    if (call.is("GET", {"system", "metrics"}) && daemon_is_at_least(call.world, "0.195.0")) return metrics(call);
    if (call.is("POST", {"env"}) && daemon_is_at_least(call.world, "0.200.0")) return set_environment(call);
    if (call.is("GET", {"port"})) return json_answer({{"ports", listening(call)}});
    if (call.is("GET", {"port", "*", "in-use"})) return port_in_use(call);
    return std::nullopt;
}

}  // namespace standin::daytona
