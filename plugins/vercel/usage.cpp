#include "usage.hpp"

#include "cloud/usage_script.hpp"

namespace berth_vercel {

berth::Usage usage_of(const Backend& backend, berth::Call& call, std::string_view id) {
    const SandboxAnswer now = backend.look(call, id);
    berth::Usage usage;
    usage.sampled_at = berth::now();
    if (now.runs())
        usage = read_usage(backend.shell(call, {std::string{id}, now.session->id}, "sh", {"-c", usage_script}).out);
    if (now.session && now.session->vcpus && *now.session->vcpus > 0)
        usage.cpu_limit_percent = 100.0 * static_cast<double>(*now.session->vcpus);
    constexpr std::int64_t most_mib = std::int64_t{1} << 30U;
    if (now.session && now.session->memory_mib && *now.session->memory_mib > 0 && *now.session->memory_mib < most_mib)
        usage.memory_limit_bytes = static_cast<std::uint64_t>(*now.session->memory_mib) << 20U;
    return usage;
}

}  // namespace berth_vercel
