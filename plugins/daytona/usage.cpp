#include "usage.hpp"

#include "cloud/usage_script.hpp"
#include "sandbox_link.hpp"

namespace berth_daytona {

using berth::Code;
using berth::Error;

namespace {

std::optional<std::uint64_t> bytes_of(const Json& json, const char* name) {
    const auto value = integer_in(json, name);
    return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

std::uint64_t gibibytes(std::int64_t count) {
    return static_cast<std::uint64_t>(count) << 30U;
}

bool is_size(const std::optional<std::int64_t>& value) {
    return value && *value > 0 && *value < (1 << 20);
}

}  // namespace

berth::Usage read_metrics(std::string_view text, std::optional<std::int64_t> cpus) {
    const Json json = parse_json(text);
    berth::Usage usage;
    usage.sampled_at = berth::now();
    usage.memory_bytes = bytes_of(json, "memUsed");
    usage.memory_limit_bytes = bytes_of(json, "memTotal");
    usage.disk_bytes = bytes_of(json, "diskUsed");
    usage.disk_limit_bytes = bytes_of(json, "diskTotal");
    const auto cores = cpus ? cpus : integer_in(json, "cpuCount");
    if (const Json* used = member(json, "cpuUsedPct"); used != nullptr && used->is_number() && is_size(cores)) {
        const double percent = used->get<double>();  // of the limit
        if (std::isfinite(percent) && percent >= 0) usage.cpu_percent = percent * static_cast<double>(*cores);
    }
    return usage;
}

berth::Usage usage_of(const Backend& backend, berth::Call& call, std::string_view id) {
    Known known = backend.look(call, id);
    berth::Usage usage;
    usage.sampled_at = berth::now();
    if (known.now.runs()) {
        known = backend.running(call, id);
        try {
            usage = read_metrics(backend.api.metrics(call, known.record.box), known.now.cpus);
            usage.process_count = backend.api.process_count(call, known.record.box);
        } catch (const Error& error) {
            if (error.code() != Code::not_found || error.is_recorded()) throw;
            usage = read_usage(DaytonaSandbox(backend, call, known.record.box).shell({"sh", "-c", usage_script}).out);
        }
    }
    if (is_size(known.now.cpus)) usage.cpu_limit_percent = 100.0 * static_cast<double>(*known.now.cpus);
    if (is_size(known.now.memory_gib)) usage.memory_limit_bytes = gibibytes(*known.now.memory_gib);
    if (is_size(known.now.disk_gib)) usage.disk_limit_bytes = gibibytes(*known.now.disk_gib);
    return usage;
}

}  // namespace berth_daytona
