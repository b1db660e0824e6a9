#include "plugin_file.hpp"

#include <filesystem>

#include "../base/text.hpp"
#include "elf_notes.hpp"

namespace berth::inline host_v1 {

namespace {

void read_into(PluginFile& file, const TrustedFile& opened) {
    file.identity = opened.identity;
    const auto notes = read_elf_notes(FileBytes(opened.descriptor.get(), opened.identity.size));
    auto read = parse_manifest(notes.manifest, notes.provides);
    file.manifest = std::move(read.manifest);
    for (const auto& warning : read.warnings)
        file.warnings.push_back(warning.with_location(printable(file.path)));
}

}  // namespace

std::string PluginFile::name() const {
    if (manifest) return manifest->name;
    return std::filesystem::path(path).stem().string();
}

PluginFile read_plugin_file(const TrustedDirectory& directory, const std::string& file_name, SearchOrigin origin,
                            const TrustRules& rules) {
    PluginFile file;
    file.path = directory.path == "/" ? "/" + file_name : directory.path + "/" + file_name;
    file.origin = origin;
    try {
        read_into(file, open_trusted_file(directory, file_name, rules));
    } catch (const Error& problem) {
        file.error = problem.with_location(printable(file.path));
    }
    return file;
}

PluginFile read_plugin_file(const std::string& path, const TrustRules& rules) {
    std::error_code failure;
    const auto whole = std::filesystem::absolute(path, failure).lexically_normal();
    try {
        const auto directory = open_trusted_directory(whole.parent_path().string(), rules);
        return read_plugin_file(directory, whole.filename().string(), SearchOrigin::command_line, rules);
    } catch (const Error& problem) {
        PluginFile file;
        file.path = whole.string();
        file.error = problem;
        return file;
    }
}

}  // namespace berth::inline host_v1
