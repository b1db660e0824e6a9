#include "catalog.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <future>
#include <iterator>
#include <set>
#include <system_error>
#include <thread>
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

struct Candidate {
    std::string name;
    EntryHint hint;
};

/// Sorted by name. Reads through the descriptor that was checked.
std::vector<Candidate> candidates(const TrustedDirectory& directory) {
    const auto unreadable = [&](const std::string& why) -> Error {
        return Error(bad_directory, "this plugin directory cannot be read: " + why, "Check the path and its mode")
            .with_location(printable(directory.path));
    };
    const auto stream = read_directory(directory.descriptor);
    if (!stream) throw unreadable(system_message(errno));
    std::vector<Candidate> found;
    while (const auto* entry = read_entry(stream)) {
        if (!is_plugin_name(entry->d_name)) continue;
        found.push_back({entry->d_name, entry->d_type == DT_REG ? EntryHint::regular_file : EntryHint::unknown});
        if (found.size() > max_files) throw unreadable("it holds more than 10000 files *.so");
    }
    if (errno != 0) throw unreadable(system_message(errno));
    std::sort(found.begin(), found.end(),
              [](const Candidate& left, const Candidate& right) { return left.name < right.name; });
    return found;
}

/// Whether somebody should hear that a directory is not there: only who named it.
bool absence_matters(SearchOrigin origin) {
    return origin == SearchOrigin::command_line || origin == SearchOrigin::configuration;
}

bool is_absent(const std::string& path) {
    std::error_code failure;
    return !std::filesystem::exists(path, failure) && !failure;
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

void mark_as_duplicates(const std::vector<PluginFile*>& same) {
    const auto message = std::to_string(same.size()) + " files say they are the plugin " +
                         quoted(same.front()->manifest->name) + ": " + some_paths(same);
    for (auto* file : same) {
        file->error =
            Error(duplicate_name, message, "Take all but one off the search path").with_location(printable(file->path));
    }
}

/// Marks every file of a name that several files have.
void mark_duplicates(std::vector<PluginFile>& files) {
    std::vector<PluginFile*> by_name;
    by_name.reserve(files.size());
    for (auto& file : files) {
        if (file.usable()) by_name.push_back(&file);
    }
    const auto has_lower_name = [](const PluginFile* one, const PluginFile* other) {
        return one->manifest->name < other->manifest->name;
    };
    // Files are often named as the plugins in them.
    if (!std::is_sorted(by_name.begin(), by_name.end(), has_lower_name))
        std::stable_sort(by_name.begin(), by_name.end(), has_lower_name);
    for (auto first = by_name.begin(); first != by_name.end();) {
        const auto end =
            std::find_if(first, by_name.end(), [&](const PluginFile* file) { return has_lower_name(*first, file); });
        if (end - first > 1) mark_as_duplicates({first, end});
        first = end;
    }
}

/// One file by two paths (a link, a directory mounted twice) is still one plugin: the first path counts.
void drop_known(std::vector<PluginFile>& files) {
    const auto identity = [](const PluginFile* file) { return std::pair(file->identity.device, file->identity.inode); };
    std::vector<const PluginFile*> known;
    known.reserve(files.size());
    for (const auto& file : files) {
        if (file.identity.inode != 0) known.push_back(&file);
    }
    std::stable_sort(known.begin(), known.end(), [&identity](const PluginFile* one, const PluginFile* other) {
        return identity(one) < identity(other);
    });
    std::vector<bool> is_again(files.size(), false);
    for (std::size_t index = 1; index < known.size(); ++index) {
        if (identity(known[index]) == identity(known[index - 1]))
            is_again[static_cast<std::size_t>(known[index] - files.data())] = true;
    }
    if (std::find(is_again.begin(), is_again.end(), true) == is_again.end()) return;
    std::size_t kept = 0;
    for (std::size_t index = 0; index < files.size(); ++index) {
        if (is_again[index]) continue;
        if (kept != index) files[kept] = std::move(files[index]);
        ++kept;
    }
    files.resize(kept);
}

/// Below this a thread costs more than it saves.
constexpr std::size_t files_for_each_thread = 64;
constexpr std::size_t max_threads = 8;

/// The candidates of one directory, read in shares that any thread may take: every `shares`th from its first on.
class Reading {
public:
    Reading(const TrustedDirectory& directory, const SearchDirectory& place, const TrustRules& rules, const Pins& pins)
        : directory_(directory), place_(place), rules_(rules), pins_(pins), candidates_(candidates(directory)) {
        files_.resize(candidates_.size());
    }

    std::vector<PluginFile> run() {
        const auto shares = shares_for(candidates_.size());
        std::vector<std::future<void>> others;
        for (std::size_t first = 1; first < shares; ++first)
            others.push_back(started(first, shares));
        read_share(0, shares);
        for (auto& other : others)
            other.get();
        return std::move(files_);
    }

private:
    static std::size_t shares_for(std::size_t files) {
        const auto wanted = std::min(files / files_for_each_thread, max_threads);
        if (wanted <= 1) return 1;  // the usual case does not even ask how many processors there are
        return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, wanted);
    }

    std::future<void> started(std::size_t first, std::size_t shares) {
        const auto work = [this, first, shares] { read_share(first, shares); };
        try {
            return std::async(std::launch::async, work);
        } catch (const std::system_error&) {
            return std::async(std::launch::deferred, work);  // no thread is to be had: read when it is waited for
        }
    }

    void read_share(std::size_t first, std::size_t shares) {
        for (std::size_t index = first; index < candidates_.size(); index += shares) {
            const auto& [name, hint] = candidates_[index];
            files_[index] = read_plugin_file(directory_, name, place_.origin, rules_, pins_, hint);
            files_[index].came_with_berth = place_.came_with_berth;
        }
    }

    const TrustedDirectory& directory_;
    const SearchDirectory& place_;
    const TrustRules& rules_;
    const Pins& pins_;
    std::vector<Candidate> candidates_;
    std::vector<PluginFile> files_;  ///< as many, in the same order
};

}  // namespace

Catalog Catalog::read(const SearchInput& input, const TrustRules& rules, const Pins& pins) {
    Catalog catalog;
    auto path = search_path(input);
    catalog.problems_ = std::move(path.problems);
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen_directories;
    for (auto& place : path.directories) {
        try {
            const auto directory = open_trusted_directory(place.path, rules);
            if (!seen_directories.emplace(directory.identity.device, directory.identity.inode).second) continue;
            auto files = Reading(directory, place, rules, pins).run();
            if (catalog.files_.empty()) {
                catalog.files_ = std::move(files);
            } else {
                catalog.files_.insert(catalog.files_.end(), std::make_move_iterator(files.begin()),
                                      std::make_move_iterator(files.end()));
            }
            catalog.directories_.push_back(std::move(place));
        } catch (const Error& problem) {
            // Somebody else's home on the way (sudo) is no news while nothing lies at its end.
            if (!absence_matters(place.origin) && is_absent(place.path)) continue;
            catalog.problems_.push_back(problem);
        }
    }
    drop_known(catalog.files_);
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
