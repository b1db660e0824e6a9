// `berth config check`, `show` and `schema`.
#include <map>

#include "../config/reader.hpp"
#include "../config/render.hpp"
#include "../engine/no_usable_provider.hpp"
#include "commands.hpp"
#include "exit_code.hpp"

namespace berth::inline host_v1::cli {

namespace {

/// What the plugins of the configuration have to say against it. Loads none of them.
std::vector<Error> problems_with_plugins(Session& session) {
    std::vector<Error> problems;
    session.keep_log_quiet();  // it would say the same once more
    try {
        for (const auto& provider : session.host().providers()) {
            if (provider.error) problems.push_back(*provider.error);
        }
    } catch (const NoUsableProvider& error) {
        problems = error.reasons();
    } catch (const Error& error) {
        problems.push_back(error);
    }
    return problems;
}

std::map<std::string, nlohmann::json> shown_configs(Session& session) {
    const auto catalog = session.catalog();
    std::map<std::string, nlohmann::json> shown;
    for (const auto& provider : session.configuration().providers) {
        std::optional<std::vector<SettingRule>> rules;
        for (const auto& file : catalog.files()) {
            if (file.usable() && file.name() == provider.plugin) rules = file.manifest->config.setting_rules();
        }
        std::optional<std::span<const SettingRule>> view;
        if (rules) view = *rules;
        shown[provider.name] = shown_config(provider.config, view, session.variables());
    }
    return shown;
}

}  // namespace

int perform(Session& session, const ConfigCheckCommand&) {
    const auto& named = session.options().configuration;
    const auto file =
        find_configuration(named ? std::optional<std::filesystem::path>(*named) : std::nullopt, session.variables());
    std::vector<Error> problems;
    if (file) problems = read_configuration(*file, session.variables()).problems;
    if (problems.empty()) problems = problems_with_plugins(session);
    const auto& out = session.out();
    if (out.wants_json()) {
        std::vector<Json> all;
        all.reserve(problems.size());
        for (const auto& problem : problems) {
            all.push_back(json_of(problem));
        }
        out.list(all);
    } else {
        for (const auto& problem : problems) {
            out.failure(problem);
        }
        if (problems.empty()) {
            out.text((file ? file->string() : std::string("the built-in defaults")) + ": no problems\n");
        }
    }
    return problems.empty() ? exit_ok : exit_failure;
}

int perform(Session& session, const ConfigShowCommand&) {
    const auto effective = effective_configuration(session.configuration(), shown_configs(session));
    const auto& out = session.out();
    out.note("from " + session.configuration().source());
    if (out.wants_json()) {
        out.object(effective);
    } else {
        out.text(yaml_text(effective));
    }
    return exit_ok;
}

int perform(Session& session, const ConfigSchemaCommand&) {
    session.out().text(configuration_schema_text());
    return exit_ok;
}

}  // namespace berth::inline host_v1::cli
