#include "directory.hpp"

#include <fcntl.h>

#include <cerrno>
#include <string_view>

namespace berth::inline host_v1 {

DirectoryStream read_directory(const FileDescriptor& directory) noexcept {
    FileDescriptor copy{::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0)};
    if (!copy) return nullptr;
    DirectoryStream stream(::fdopendir(copy.get()));
    if (stream) (void)copy.release();  // the stream's now
    return stream;
}

const dirent* read_entry(const DirectoryStream& stream) noexcept {
    for (;;) {
        errno = 0;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): only two threads on one stream are unsafe, and a stream has one
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr) return nullptr;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") return entry;
    }
}

}  // namespace berth::inline host_v1
