#include "catalog.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <utility>

#include "../base/directory.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;

/// A directory with more plugins than that is a mistake, and reading it must end.
constexpr std::size_t max_files = 10'000;

bool is_plugin_name(std::string_view name) {
    return name.size() > 3 && name.ends_with(".so") && name.front() != '.';
}

/// Names of the candidates, sorted. Reads through the descriptor that was checked.
std::vector<std::string> candidates(const TrustedDirectory& directory) {
    const auto unreadable = [&](const std::string& why) -> Error {
        return Error(bad_directory, "this plugin directory cannot be read: " + why, "Check the path and its mode")
            .with_location(printable(directory.path));
    };
    const auto stream = read_directory(directory.descriptor);
    if (!stream) throw unreadable(system_message(errno));
    std::vector<std::string> names;
    while (const auto* entry = read_entry(stream)) {
        if (is_plugin_name(entry->d_name)) names.emplace_back(entry->d_name);
        if (names.size() > max_files) throw unreadable("it holds more than 10000 files *.so");
    }
    if (errno != 0) throw unreadable(system_message(errno));
    std::sort(names.begin(), names.end());
    return names;
}

/// Whether somebody should hear that a directory is not there: only who named it.
bool absence_matters(SearchOrigin origin) {
    return origin == SearchOrigin::command_line || origin == SearchOrigin::configuration;
}

/// The first few paths: a thousand copies of one file must not make a thousand messages of a thousand paths.
std::string some_paths(const std::vector<PluginFile*>& files) {
    static constexpr std::size_t most = 4;
    std::vector<std::string> paths;
    for (std::size_t index = 0; index < std::min(files.size(), most); ++index)
        paths.push_back(quoted(files[index]->path));
    if (files.size() > most) paths.push_back(std::to_string(files.size() - most) + " more");
    return listed(paths);
}

/// Marks every file of a name that several files have.
void mark_duplicates(std::vector<PluginFile>& files) {
    std::map<std::string, std::vector<PluginFile*>> by_name;
    for (auto& file : files) {
        if (file.usable()) by_name[file.manifest->name].push_back(&file);
    }
    for (const auto& [name, same] : by_name) {
        if (same.size() < 2) continue;
        const auto message =
            std::to_string(same.size()) + " files say they are the plugin " + quoted(name) + ": " + some_paths(same);
        for (auto* file : same) {
            file->error = Error(duplicate_name, message, "Take all but one off the search path")
                              .with_location(printable(file->path));
        }
    }
}

}  // namespace

Catalog Catalog::read(const SearchInput& input, const TrustRules& rules, const Pins& pins) {
    Catalog catalog;
    auto path = search_path(input);
    catalog.problems_ = std::move(path.problems);
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen_directories;
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen_files;
    for (auto& place : path.directories) {
        try {
            const auto directory = open_trusted_directory(place.path, rules);
            if (!seen_directories.emplace(directory.identity.device, directory.identity.inode).second) continue;
            for (const auto& name : candidates(directory)) {
                auto file = read_plugin_file(directory, name, place.origin, rules, pins);
                file.came_with_berth = place.came_with_berth;
                // One file by two paths (a link, a directory mounted twice) is still one plugin: the first path counts.
                const bool known = file.identity.inode != 0;
                if (known && !seen_files.emplace(file.identity.device, file.identity.inode).second) continue;
                catalog.files_.push_back(std::move(file));
            }
            catalog.directories_.push_back(std::move(place));
        } catch (const Error& problem) {
            if (problem.code() == Code::file_not_found && !absence_matters(place.origin)) continue;
            catalog.problems_.push_back(problem);
        }
    }
    mark_duplicates(catalog.files_);
    return catalog;
}

const PluginFile& Catalog::find(std::string_view name) const {
    const PluginFile* refused = nullptr;
    std::vector<std::string> usable;
    std::size_t refused_count = 0;
    for (const auto& file : files_) {
        if (file.usable()) {
            if (file.manifest->name == name) return file;
            usable.push_back(file.manifest->name);
        } else {
            ++refused_count;
            if (refused == nullptr && file.name() == name) refused = &file;
        }
    }
    if (refused != nullptr) throw *refused->error;

    std::vector<std::string> places;
    for (const auto& directory : directories_)
        places.push_back(quoted(directory.path));
    std::string message =
        "no plugin is named " + quoted(name) + ": looked in " + listed(places) + ", found " + listed(usable);
    if (refused_count != 0) message += "; " + std::to_string(refused_count) + " refused";
    const auto nearest = nearest_name(name, usable);
    throw Error(not_found, std::move(message),
                nearest ? "Did you mean " + quoted(*nearest) + "?"
                : refused_count > 0
                    ? "`berth plugin ls` says why files were refused"
                    : "Put the plugin's .so into one of these directories, or name another with --plugin-dir");
}

}  // namespace berth::inline host_v1
