#include "settings.hpp"

namespace berth_daytona {

namespace {

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
    throw berth::Error(berth::Code::invalid_argument, message).hint(hint);
}

}  // namespace

Origin origin_of(const std::string& text) {
    if (text.find_first_of("/:") != std::string::npos) return {std::nullopt, text};
    return {text, std::nullopt};
}

Origin origin_of_template(const Settings& settings, const std::string& name) {
    const auto found = settings.templates.find(name);
    return origin_of(found == settings.templates.end() ? name : found->second);
}

Settings read_settings(const berth::Host& host, const berth::Settings& from) {
    for (const char* gone : {"/workspace", "/git_provider"})
        if (from.find<std::string>(gone))
            refuse(std::string{gone + 1} + " belongs to Daytona's workspaces, which its API does not have any more",
                   "leave it out; clone a repository by a setup command, and name a sandbox by --name");
    Settings settings;
    settings.provider = host.provider_name();
    const auto url = from.find<std::string>("/api_url");
    const auto old_url = from.find<std::string>("/server_url");
    if (url && old_url) refuse("api_url and server_url are two names of one thing", "keep api_url");
    settings.api_url = url ? *url : old_url ? *old_url : "https://app.daytona.io/api";
    while (!settings.api_url.empty() && settings.api_url.back() == '/')
        settings.api_url.pop_back();
    settings.organization = from.find<std::string>("/organization_id");
    settings.target = from.find<std::string>("/target");
    const auto snapshot = from.find<std::string>("/default_template");
    const auto image = from.find<std::string>("/image");
    if (snapshot && image) refuse("default_template and image exclude each other", "keep one of them");
    if (image) settings.origin.image = *image;
    for (const std::string& name : from.keys("/templates"))
        settings.templates[name] = from.get<std::string>("/templates/" + name);
    if (snapshot) settings.origin = origin_of_template(settings, *snapshot);
    settings.size = {from.find<std::int64_t>("/cpus"), from.find<std::int64_t>("/memory_gib"),
                     from.find<std::int64_t>("/disk_gib")};
    settings.auto_stop_minutes = from.get<std::int64_t>("/auto_stop_minutes", 15);
    return settings;
}

}  // namespace berth_daytona
