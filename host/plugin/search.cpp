#include "search.hpp"

#include <algorithm>
#include <filesystem>

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

namespace fs = std::filesystem;

class Collector {
public:
    /// Adds a directory unless an earlier one has the same path: the earlier place counts.
    void add(const fs::path& path, SearchOrigin origin) {
        auto text = path.lexically_normal().string();
        if (text.size() > 1 && text.back() == '/') text.pop_back();
        const bool ours = origin == SearchOrigin::installation;
        const auto known = std::find_if(result.directories.begin(), result.directories.end(),
                                        [&](const SearchDirectory& candidate) { return candidate.path == text; });
        if (known == result.directories.end()) {
            result.directories.push_back({std::move(text), origin, ours});
        } else if (ours) {
            known->came_with_berth = true;
        }
    }

    void refuse(std::string_view entry, SearchOrigin origin) {
        result.problems.emplace_back(plugin_diagnostics::bad_directory,
                                     "the plugin directory " + quoted(entry) + " (" + std::string(name_of(origin)) +
                                         ") is not an absolute path, so it is not searched",
                                     "Write the whole path: plugins are never looked for in the working directory");
    }

    SearchPath result;
};

void add_absolute(Collector& collector, std::string_view entry, SearchOrigin origin) {
    if (entry.starts_with('/')) {
        collector.add(fs::path(entry), origin);
    } else {
        collector.refuse(entry, origin);
    }
}

void add_environment(Collector& collector, std::string_view list) {
    while (!list.empty()) {
        const auto end = std::min(list.find(':'), list.size());
        // An empty entry would mean the working directory; "a::b" is a common slip, so it is not worth a word.
        if (end != 0) add_absolute(collector, list.substr(0, end), SearchOrigin::environment);
        list.remove_prefix(std::min(end + 1, list.size()));
    }
}

void add_user_data(Collector& collector, const EnvironmentVariables& environment) {
    const auto data_home = environment.get_filled("XDG_DATA_HOME");
    // A relative XDG_DATA_HOME is to be ignored, says its specification.
    if (data_home && data_home->starts_with('/')) {
        collector.add(fs::path(*data_home) / "berth" / "plugins", SearchOrigin::user_data);
        return;
    }
    const auto home = environment.get_filled("HOME");
    if (home && home->starts_with('/')) {
        collector.add(fs::path(*home) / ".local" / "share" / "berth" / "plugins", SearchOrigin::user_data);
    }
}

}  // namespace

std::string_view name_of(SearchOrigin origin) noexcept {
    switch (origin) {
        case SearchOrigin::command_line:
            return "--plugin-dir";
        case SearchOrigin::configuration:
            return "plugins.paths";
        case SearchOrigin::environment:
            return "BERTH_PLUGIN_PATH";
        case SearchOrigin::user_data:
            return "XDG_DATA_HOME";
        case SearchOrigin::installation:
            return "installation";
    }
    return "unknown";
}

SearchPath search_path(const SearchInput& input) {
    Collector collector;
    for (const auto& entry : input.given) {
        std::error_code failure;
        const auto path = entry.empty() ? fs::path() : fs::absolute(entry, failure);
        if (path.empty() || failure) {
            collector.refuse(entry, SearchOrigin::command_line);
        } else {
            collector.add(path, SearchOrigin::command_line);
        }
    }
    for (const auto& entry : input.configured)
        add_absolute(collector, entry, SearchOrigin::configuration);
    if (const auto list = input.environment.get_filled("BERTH_PLUGIN_PATH")) add_environment(collector, *list);
    add_user_data(collector, input.environment);
    if (!input.install_directory.empty()) {
        add_absolute(collector, input.install_directory, SearchOrigin::installation);
    }
    return std::move(collector.result);
}

}  // namespace berth::inline host_v1
