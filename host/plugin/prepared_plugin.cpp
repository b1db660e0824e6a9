#include "prepared_plugin.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <utility>

#include "../base/text.hpp"
#include "private_copy.hpp"

namespace berth::inline host_v1 {

namespace {

/// What of a copy stays: the time of its last use is set at each use, so the other times tell nothing.
FileIdentity lasting_identity(int descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) throw plugin_file_changed();
    FileIdentity identity;
    identity.device = status.st_dev;
    identity.inode = status.st_ino;
    identity.size = static_cast<std::uint64_t>(status.st_size);
    return identity;
}

/// A copy that holds what was verified: the pinned bytes, or at least the manifest that was read.
void take_copy(PreparedPlugin& prepared, const PluginFile& file, const TrustedFile& opened, const TrustRules& rules,
               const std::string& copies) {
    const auto place = copies.empty() ? usual_copies_directory(EnvironmentVariables::of_process()) : copies;
    auto copy = make_private_copy(opened, std::filesystem::path(file.path).parent_path().string(), place, rules);
    if (file.hash && copy.hash != *file.hash) throw plugin_file_changed();
    if (read_elf_notes(FileBytes(copy.descriptor.get(), copy.size)) != file.notes) throw plugin_file_changed();
    prepared.mapped_path = std::move(copy.path);
    prepared.identity = lasting_identity(copy.descriptor.get());
    prepared.hash = std::move(copy.hash);
    prepared.copy = std::move(copy.descriptor);
}

}  // namespace

PreparedPlugin prepare_plugin(const PluginFile& file, const TrustRules& rules, const std::string& copies,
                              Copying copying) {
    if (file.error) throw *file.error;
    try {
        const auto opened = open_again(file, rules);
        PreparedPlugin prepared{file.path, *file.manifest, file.path, opened.identity, {}, {}};
        // With a pin the bytes themselves were verified, and the file in its place is not certain to keep them.
        const bool stays = copying == Copying::unless_installed && file.came_with_berth && !file.pinned;
        if (!stays) take_copy(prepared, file, opened, rules, copies);
        return prepared;
    } catch (const Error& problem) {
        throw problem.with_location(printable(file.path));
    }
}

PreparedPlugin reopen_prepared(const std::string& path, const std::string& mapped_path, const FileIdentity& identity) {
    try {
        FileDescriptor copy{::open(mapped_path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
        if (!copy || lasting_identity(copy.get()) != identity) throw plugin_file_changed();
        const auto notes = read_elf_notes(FileBytes(copy.get(), identity.size));
        auto read = parse_manifest(notes.manifest, notes.provides);
        return {path, std::move(read.manifest), mapped_path, identity, {}, std::move(copy)};
    } catch (const Error& problem) {
        throw problem.with_location(printable(path));
    }
}

}  // namespace berth::inline host_v1
