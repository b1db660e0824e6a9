#include "plugin_file.hpp"

#include <filesystem>

#include "../base/size.hpp"
#include "../base/text.hpp"
#include "content_hash.hpp"
#include "diagnostics.hpp"
#include "elf_notes.hpp"

namespace berth::inline host_v1 {

namespace {

/// A file without a pin is not read whole for it.
void check_pin(PluginFile& file, const ByteSource& bytes, const Pins& pins) {
    const auto& name = file.manifest->name;
    if (auto refusal = pins.refusal_without_pin(name)) throw *std::move(refusal);
    if (!pins.of(name)) return;
    file.hash = content_hash(bytes);
    if (!file.hash) {
        throw Error(plugin_diagnostics::changed, "the file became shorter while it was read", "Run the command again");
    }
    if (auto refusal = pins.refusal(name, *file.hash)) throw *std::move(refusal);
    file.pinned = true;
}

void read_into(PluginFile& file, const TrustedFile& opened, const Pins& pins) {
    file.identity = opened.identity;
    check_plugin_size(opened.identity.size);
    file.owner = opened.owner;
    const FileBytes bytes(opened.descriptor.get(), opened.identity.size);
    file.notes = read_elf_notes(bytes);
    auto read = parse_manifest(file.notes->manifest, file.notes->provides);
    file.manifest = std::move(read.manifest);
    for (const auto& warning : read.warnings)
        file.warnings.push_back(warning.with_location(printable(file.path)));
    check_pin(file, bytes, pins);
}

}  // namespace

void check_plugin_size(std::uint64_t bytes) {
    if (bytes <= max_plugin_bytes) return;
    throw Error(plugin_diagnostics::too_large,
                "the file is too large for a plugin: expected at most " + size_text(max_plugin_bytes) + ", found " +
                    std::to_string(bytes) + " bytes",
                "Take it out of the plugin directory, or strip debug information from it");
}

std::string PluginFile::name() const {
    if (manifest) return manifest->name;
    return std::filesystem::path(path).stem().string();
}

PluginFile read_plugin_file(const TrustedDirectory& directory, const std::string& file_name, SearchOrigin origin,
                            const TrustRules& rules, const Pins& pins, EntryHint hint) {
    PluginFile file;
    file.path = directory.path == "/" ? "/" + file_name : directory.path + "/" + file_name;
    file.origin = origin;
    try {
        read_into(file, open_trusted_file(directory, file_name, rules, hint), pins);
    } catch (const Error& problem) {
        file.error = problem.with_location(printable(file.path));
    }
    return file;
}

TrustedFile open_again(const PluginFile& file, const TrustRules& rules) {
    const std::filesystem::path path(file.path);
    const auto directory = open_trusted_directory(path.parent_path().string(), rules);
    auto opened = open_trusted_file(directory, path.filename().string(), rules);
    if (opened.identity != file.identity) throw plugin_file_changed();
    check_plugin_size(opened.identity.size);
    return opened;
}

Error plugin_file_changed() {
    return {plugin_diagnostics::changed, "the file changed since it was read",
            "Run the command again; nothing has been loaded"};
}

}  // namespace berth::inline host_v1
