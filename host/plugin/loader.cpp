#include "loader.hpp"

// With std::filesystem in place of Boost's, Boost.DLL is headers only.
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "../base/text.hpp"
#include "contract_check.hpp"
#include "diagnostics.hpp"
#include "system_loader_message.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;
using boost::dll::shared_library;
namespace load_mode = boost::dll::load_mode;

/// One file in this process, from the first load to the end.
struct Generation {
    FileIdentity identity;
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

shared_library open_library(const std::string& path) {
    try {
        // Now: a missing symbol is an error here, not a crash in the first call. Local: two plugins may bring the same
        // library in two versions.
        return shared_library(std::filesystem::path(path), load_mode::rtld_now | load_mode::rtld_local);
    } catch (const std::system_error& failure) {
        throw explain_load_failure(loader_text(failure.what()), path);
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

/// Opens the file anew and asks whether it is still what was read. Between here and the loader's own open() only root
/// or oneself could change it: nobody else may write to the file or its directory.
void check_unchanged(const PluginFile& file, const TrustRules& rules) {
    const std::filesystem::path path(file.path);
    const auto directory = open_trusted_directory(path.parent_path().string(), rules);
    const auto opened = open_trusted_file(directory, path.filename().string(), rules);
    if (opened.identity != file.identity) {
        throw Error(changed, "the file changed since it was read", "Run the command again; nothing has been loaded");
    }
}

/// The loader finds a library by its path first: after a replacement it would hand out the old code as if it were new.
const LoadedPlugin* already_loaded(const Registry& loaded, const PluginFile& file) {
    for (const auto& generation : loaded.generations) {
        if (generation->identity == file.identity) return &generation->plugin;
        if (generation->plugin.path == file.path || generation->identity.same_file(file.identity)) {
            throw Error(changed, "the file was replaced after it had been loaded into this process",
                        "Start the program anew to use the new file");
        }
    }
    return nullptr;
}

std::unique_ptr<Generation> load(const PluginFile& file) {
    auto generation = std::make_unique<Generation>();
    generation->identity = file.identity;
    generation->library = open_library(file.path);
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

const LoadedPlugin& load_plugin(const PluginFile& file, const TrustRules& rules) {
    if (file.error) throw *file.error;
    try {
        check_unchanged(file, rules);
        auto& loaded = registry();
        // Held while the plugin's static initialisers run: two threads must not load one file twice.
        const std::scoped_lock lock(loaded.mutex);
        if (const auto* plugin = already_loaded(loaded, file)) return *plugin;
        loaded.generations.push_back(load(file));
        return loaded.generations.back()->plugin;
    } catch (const Error& problem) {
        throw problem.with_location(printable(file.path));
    }
}

}  // namespace berth::inline host_v1
