// Bytes to stdout or stderr, exactly, without ever waiting for a reader in a way that cannot be ended. Knows no
// sandbox.
#pragma once

#include <string_view>

#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1::cli {

/// Writes to a descriptor that others may share, so its own flags are never changed: a pipe or terminal is opened a
/// second time for writes that do not block. One thread at a time.
class OutputWriter {
public:
    /// `give_up` is an event: once it is raised, bytes that cannot be written at once are dropped. Outlives this.
    OutputWriter(int descriptor, const FileDescriptor& give_up);

    enum class Written { all, reader_gone, dropped };
    /// Throws Error BERTH-X-04 when the disk is full and the like.
    Written write(std::string_view bytes);

private:
    enum class Kind { file, non_blocking, in_pieces };
    [[nodiscard]] bool wait_for_room();

    int descriptor_;
    const FileDescriptor& give_up_;
    FileDescriptor own_;
    Kind kind_ = Kind::file;
    bool terminal_ = false;
};

}  // namespace berth::inline host_v1::cli
