#include "loader.hpp"

// With std::filesystem in place of Boost's, Boost.DLL is headers only.
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "../base/text.hpp"
#include "contract_check.hpp"
#include "diagnostics.hpp"
#include "elf_links.hpp"
#include "library_search.hpp"
#include "private_copy.hpp"
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
    FileDescriptor copy;                 ///< keeps its lock, so that nobody removes it
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

[[noreturn]] void throw_changed() {
    throw Error(changed, "the file changed since it was read", "Run the command again; nothing has been loaded");
}

/// What is to be handed to the system's loader.
struct Source {
    std::string path;
    FileIdentity identity;
    FileDescriptor lock;
};

/// Opens the file anew and asks whether it is still what was read.
TrustedFile open_unchanged(const PluginFile& file, const TrustRules& rules) {
    const std::filesystem::path path(file.path);
    const auto directory = open_trusted_directory(path.parent_path().string(), rules);
    auto opened = open_trusted_file(directory, path.filename().string(), rules);
    if (opened.identity != file.identity) throw_changed();
    check_plugin_size(opened.identity.size);
    return opened;
}

/// A copy that holds what was verified: the pinned bytes, or at least the manifest that was read.
Source copied(const PluginFile& file, const TrustedFile& opened, const TrustRules& rules, const std::string& copies) {
    const auto place = copies.empty() ? usual_copies_directory(EnvironmentVariables::of_process()) : copies;
    auto copy = make_private_copy(opened, std::filesystem::path(file.path).parent_path().string(), place, rules);
    if (file.hash && copy.hash != *file.hash) throw_changed();
    if (read_elf_notes(FileBytes(copy.descriptor.get(), copy.size)) != file.notes) throw_changed();
    struct stat status {};
    if (::fstat(copy.descriptor.get(), &status) != 0) throw_changed();
    // The time of the last use is set at each use, so it tells nothing.
    return {copy.path, {status.st_dev, status.st_ino, copy.size}, std::move(copy.descriptor)};
}

Source source_of(const PluginFile& file, const TrustRules& rules, const std::string& copies) {
    const auto opened = open_unchanged(file, rules);
    // With a pin the bytes themselves were verified, and the file in its place is not certain to keep them.
    if (!file.came_with_berth || file.pinned) return copied(file, opened, rules, copies);
    return {file.path, opened.identity, FileDescriptor()};
}

/// The loader finds a library by its path first: after a replacement it would hand out the old code as if it were new.
const LoadedPlugin* already_loaded(const Registry& loaded, const Source& source) {
    for (const auto& generation : loaded.generations) {
        if (generation->identity == source.identity) return &generation->plugin;
        if (generation->loaded_path == source.path || generation->identity.same_file(source.identity)) {
            throw Error(changed, "the file was replaced after it had been loaded into this process",
                        "Start the program anew to use the new file");
        }
    }
    return nullptr;
}

/// The loader would look for what a file wants "beside itself" beside the copy. So it is given those libraries first, from
/// where they are; by their names it then knows that it has them.
std::vector<shared_library> libraries_beside(const PluginFile& file, const TrustRules& rules) {
    std::vector<shared_library> loaded;
    const auto opened = open_unchanged(file, rules);
    const auto links = read_elf_links(FileBytes(opened.descriptor.get(), opened.identity.size));
    const auto origin = std::filesystem::path(file.path).parent_path().string();
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

std::unique_ptr<Generation> load(const PluginFile& file, Source source, const TrustRules& rules) {
    auto generation = std::make_unique<Generation>();
    generation->identity = source.identity;
    generation->loaded_path = source.path;
    generation->copy = std::move(source.lock);
    if (generation->copy) generation->beside = libraries_beside(file, rules);
    generation->library = open_library(generation->loaded_path, file.path);
    const auto admitted = check_contract(call_entry(find_entry(generation->library)), *file.manifest);
    generation->plugin = {file.path,       *file.manifest,   admitted.plugin.minor,
                          admitted.plugin, admitted.methods, admitted.snapshots};
    return generation;
}

}  // namespace

bool LoadedPlugin::has(Method method) const noexcept {
    const auto& row = row_of(method);
    if (row.extension.empty()) return has_member(&methods, sizeof methods, row);
    return snapshots && has_member(&*snapshots, sizeof *snapshots, row);
}

const LoadedPlugin& load_plugin(const PluginFile& file, const TrustRules& rules, const std::string& copies) {
    if (file.error) throw *file.error;
    try {
        auto& loaded = registry();
        // Held while the plugin's static initialisers run: two threads must not load one file twice.
        const std::scoped_lock lock(loaded.mutex);
        auto source = source_of(file, rules, copies);
        if (const auto* plugin = already_loaded(loaded, source)) return *plugin;
        loaded.generations.push_back(load(file, std::move(source), rules));
        return loaded.generations.back()->plugin;
    } catch (const Error& problem) {
        throw problem.with_location(printable(file.path));
    }
}

}  // namespace berth::inline host_v1
