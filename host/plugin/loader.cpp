#include "loader.hpp"

// With std::filesystem in place of Boost's, Boost.DLL is headers only.
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "../base/text.hpp"
#include "contract_check.hpp"
#include "diagnostics.hpp"
#include "elf_links.hpp"
#include "library_search.hpp"
#include "system_loader_message.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;
using boost::dll::shared_library;
namespace load_mode = boost::dll::load_mode;

/// One file in this process, from the first load to the end.
struct Generation {
    FileIdentity identity;               ///< of what was loaded
    std::string loaded_path;             ///< the private copy's, or the file's own
    FileDescriptor copy;                 ///< keeps its lock, so that nobody removes it; none: the file itself
    std::vector<shared_library> beside;  ///< libraries that lie with the file
    LoadedPlugin plugin;
    shared_library library;
};

/// What has been loaded. Never destroyed and never shrunk: see the header. The only global state of the host.
struct Registry {
    std::mutex mutex;
    std::vector<std::unique_ptr<Generation>> generations;
};

Registry& registry() {
    static Registry* const leaked = new Registry;
    return *leaked;
}

/// glibc's own sentence out of what Boost.DLL wraps around it.
std::string loader_text(std::string_view text) {
    static constexpr std::string_view mark = "(dlerror system message: ";
    const auto start = text.find(mark);
    if (start == std::string_view::npos) return std::string(text);
    text.remove_prefix(start + mark.size());
    return std::string(text.substr(0, text.rfind("): ")));
}

/// `path` is what the loader gets, `shown` what people know it by.
shared_library open_library(const std::string& path, const std::string& shown) {
    try {
        // Now: a missing symbol is an error here, not a crash in the first call. Local: two plugins may bring the same
        // library in two versions.
        return shared_library(std::filesystem::path(path), load_mode::rtld_now | load_mode::rtld_local);
    } catch (const std::system_error& failure) {
        auto text = loader_text(failure.what());
        if (path != shown && text.find("failed to map segment") != std::string::npos) {
            throw Error(no_private_copy, "no program may run from where its private copy lies: " + quoted(path),
                        "Set XDG_CACHE_HOME to a directory on a file system that is not mounted noexec");
        }
        for (auto place = text.find(path); place != std::string::npos; place = text.find(path, place + shown.size()))
            text.replace(place, path.size(), shown);
        throw explain_load_failure(text, shown);
    }
}

/// The major of an entry this host does not speak, if the plugin has one.
std::optional<int> other_major(const shared_library& library) {
    for (int major = 2; major <= 64; ++major) {
        if (library.has("berth_plugin_v" + std::to_string(major))) return major;
    }
    return std::nullopt;
}

berth_entry find_entry(const shared_library& library) {
    if (library.has(BERTH_ENTRY_SYMBOL)) {
        return &library.get<const berth_plugin*(std::uint32_t)>(BERTH_ENTRY_SYMBOL);
    }
    if (const auto major = other_major(library)) {
        throw Error(
            wrong_major,
            "the plugin is built for another contract: expected the entry " BERTH_ENTRY_SYMBOL
            ", found berth_plugin_v" +
                std::to_string(*major),
            "Take a build of the plugin for contract 1, or a Berth that speaks contract " + std::to_string(*major));
    }
    throw Error(no_entry, "it does not export the entry " BERTH_ENTRY_SYMBOL,
                "Write BERTH_PLUGIN (C++), or define the function with BERTH_EXPORT and C linkage");
}

const berth_plugin& call_entry(berth_entry entry) {
    const berth_plugin* plugin = nullptr;
    try {
        plugin = entry(BERTH_CONTRACT_MINOR);
    } catch (...) {
        throw Error(entry_failed, "its entry " BERTH_ENTRY_SYMBOL " threw an exception",
                    "The entry does no work and nothing may be thrown across the contract (rules S1, E1)");
    }
    if (plugin == nullptr) {
        throw Error(entry_failed, "its entry " BERTH_ENTRY_SYMBOL " returned NULL, expected a berth_plugin",
                    "Return the address of a struct that lives as long as the library");
    }
    return *plugin;
}

const LoadedPlugin* already_loaded(const Registry& loaded, const PreparedPlugin& prepared) {
    for (const auto& generation : loaded.generations) {
        if (generation->identity == prepared.identity) return &generation->plugin;
    }
    return nullptr;
}

/// The loader finds a library by its path first: after a replacement it would hand out the old code as if it were new.
void check_generations(const Registry& loaded, const PreparedPlugin& prepared) {
    std::size_t generations = 0;
    for (const auto& generation : loaded.generations) {
        if (generation->loaded_path == prepared.mapped_path || generation->identity.same_file(prepared.identity)) {
            throw Error(changed, "the file was replaced after it had been loaded into this process",
                        "Start the program anew to use the new file");
        }
        if (generation->plugin.path == prepared.path) ++generations;
    }
    if (generations < max_generations) return;
    throw Error(too_many_generations,
                std::to_string(generations) +
                    " versions of this file are in this process already, and none can be taken out again",
                "Start the program anew, or write `run: worker` for this plugin: there old code really goes");
}

/// The loader would look for what a file wants "beside itself" beside the copy. So it is given those libraries first, from
/// where they are; by their names it then knows that it has them.
std::vector<shared_library> libraries_beside(const PreparedPlugin& prepared, const TrustRules& rules) {
    std::vector<shared_library> loaded;
    const auto links = read_elf_links(FileBytes(prepared.copy.get(), prepared.identity.size));
    const auto origin = std::filesystem::path(prepared.path).parent_path().string();
    for (const auto& name : links.needed) {
        for (const auto& folder : links.library_folders) {
            const auto place = expanded_folder(folder, origin);
            if (folder.find("ORIGIN") == std::string::npos || !place) continue;
            const auto path = *place + "/" + name;
            std::error_code failure;
            if (!std::filesystem::exists(path, failure)) continue;
            (void)walk_to(path, WalkGoal::file, rules);
            loaded.push_back(open_library(path, path));
            break;
        }
    }
    return loaded;
}

std::unique_ptr<Generation> load(PreparedPlugin prepared, const TrustRules& rules) {
    auto generation = std::make_unique<Generation>();
    if (prepared.copy) generation->beside = libraries_beside(prepared, rules);
    generation->library = open_library(prepared.mapped_path, prepared.path);
    const auto admitted = check_contract(call_entry(find_entry(generation->library)), prepared.manifest);
    generation->plugin = {prepared.path,         std::move(prepared.manifest),
                          admitted.plugin.minor, admitted.plugin,
                          admitted.methods,      admitted.snapshots};
    generation->identity = prepared.identity;
    generation->loaded_path = std::move(prepared.mapped_path);
    generation->copy = std::move(prepared.copy);
    return generation;
}

/// Whether other bytes than those that lie there now were loaded from that very path: the loader would take them for these.
bool has_older_code(const PluginFile& file) {
    auto& loaded = registry();
    const std::scoped_lock lock(loaded.mutex);
    return std::any_of(loaded.generations.begin(), loaded.generations.end(), [&](const auto& generation) {
        return generation->loaded_path == file.path && generation->identity != file.identity;
    });
}

}  // namespace

bool LoadedPlugin::has(Method method) const noexcept {
    const auto& row = row_of(method);
    if (row.extension.empty()) return has_member(&methods, sizeof methods, row);
    return snapshots && has_member(&*snapshots, sizeof *snapshots, row);
}

const LoadedPlugin& load_plugin(PreparedPlugin prepared, const TrustRules& rules) {
    const auto location = printable(prepared.path);
    try {
        auto& loaded = registry();
        // Held while the plugin's static initialisers run: two threads must not load one file twice.
        const std::scoped_lock lock(loaded.mutex);
        if (const auto* plugin = already_loaded(loaded, prepared)) return *plugin;
        check_generations(loaded, prepared);
        loaded.generations.push_back(load(std::move(prepared), rules));
        return loaded.generations.back()->plugin;
    } catch (const Error& problem) {
        throw problem.with_location(location);
    }
}

PreparedPlugin prepare_for_here(const PluginFile& file, const TrustRules& rules, const std::string& copies) {
    return prepare_plugin(file, rules, copies, has_older_code(file) ? Copying::always : Copying::unless_installed);
}

const LoadedPlugin& load_plugin(const PluginFile& file, const TrustRules& rules, const std::string& copies) {
    return load_plugin(prepare_for_here(file, rules, copies), rules);
}

}  // namespace berth::inline host_v1
