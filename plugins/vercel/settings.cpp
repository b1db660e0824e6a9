#include "settings.hpp"

#include <algorithm>
#include <array>

namespace berth_vercel {

namespace {

constexpr std::array<std::string_view, 4> runtimes{"node22", "node24", "node26", "python3.13"};
constexpr std::int64_t day_ms = 24LL * 3600 * 1000;

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
    throw berth::Error(berth::Code::invalid_argument, message).hint(hint);
}

bool is_runtime(std::string_view text) {
    return std::find(runtimes.begin(), runtimes.end(), text) != runtimes.end();
}

Origin configured_origin(const berth::Settings& from) {
    const auto runtime = from.find<std::string>("/runtime");
    const auto image = from.find<std::string>("/image");
    if (runtime && image) refuse("runtime and image exclude each other", "keep one of them");
    if (image) return {std::nullopt, image, std::nullopt};
    if (!runtime) return {};
    if (*runtime == "edge")
        refuse(
            "runtime edge is no sandbox: the plugin speaks Vercel Sandbox; serverless functions and the edge runtime "
            "hold neither files nor processes",
            "use node22, node24, node26 or python3.13, or leave runtime out");
    if (*runtime == "nodejs") return {"node24", std::nullopt, std::nullopt};
    if (!is_runtime(*runtime))
        refuse("Vercel Sandbox has no runtime " + *runtime,
               "use node22, node24, node26 or python3.13, or image for a container image");
    return {runtime, std::nullopt, std::nullopt};
}

}  // namespace

std::int64_t vcpus_for_memory(std::int64_t mib) {
    const std::int64_t count = std::max<std::int64_t>(1, (mib + 2047) / 2048);
    return count == 1 ? 1 : count + count % 2;
}

Origin origin_of(const std::string& text) {
    if (text.rfind("snap_", 0) == 0) return {std::nullopt, std::nullopt, text};
    if (text.find_first_of("/:") != std::string::npos) return {std::nullopt, text, std::nullopt};
    return {text, std::nullopt, std::nullopt};
}

Origin origin_of_template(const Settings& settings, const std::string& name) {
    if (const auto found = settings.templates.find(name); found != settings.templates.end())
        return origin_of(found->second);
    if (is_runtime(name)) return origin_of(name);
    std::string all;
    for (const auto& [known, origin] : settings.templates)
        all += known + " (" + origin + "), ";
    for (const std::string_view runtime : runtimes)
        all += std::string{runtime} + (runtime == runtimes.back() ? "" : ", ");
    throw berth::Error(berth::Code::template_not_found, "there is no template " + name + "; there are: " + all)
        .hint("map it in the provider's config: templates: { " + name + ": node22 }");
}

Settings read_settings(const berth::Host& host, const berth::Settings& from) {
    Settings settings;
    settings.provider = host.provider_name();
    settings.api_url = from.get<std::string>("/api_url", "https://vercel.com/api");
    while (!settings.api_url.empty() && settings.api_url.back() == '/')
        settings.api_url.pop_back();
    settings.team = from.find<std::string>("/team_id");
    settings.project = from.find<std::string>("/project_id");
    settings.origin = configured_origin(from);
    for (const std::string& name : from.keys("/templates"))
        settings.templates[name] = from.get<std::string>("/templates/" + name);
    settings.region = from.find<std::string>("/region");
    settings.vcpus = from.find<std::int64_t>("/vcpus");
    if (settings.vcpus && *settings.vcpus != 1 && *settings.vcpus % 2 != 0)
        refuse("vcpus must be 1 or even", "Vercel sells CPUs by one or in pairs");
    if (const auto memory = from.find<std::int64_t>("/function_memory")) {
        if (settings.vcpus) refuse("vcpus and function_memory exclude each other", "memory is 2048 MiB for each vCPU");
        settings.vcpus = vcpus_for_memory(*memory);
    }
    if (const auto length = from.find<std::int64_t>("/max_duration")) settings.session_ms = *length * 1000;
    settings.persistent = from.get<bool>("/persistent", true);
    settings.snapshot_expiration_ms = from.get<std::int64_t>("/snapshot_expiration_days", 7) * day_ms;
    settings.ports = from.get<std::vector<std::int64_t>>("/ports", {});
    return settings;
}

}  // namespace berth_vercel
