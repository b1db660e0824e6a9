// Files of this machine on their way into a sandbox: opens, walks, reads, and notices when one changes meanwhile.
// The top of an operation is followed when it is a link; links below are copied as links. Knows no provider.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../base/file_descriptor.hpp"
#include "../provider/provider.hpp"
#include "transfer.hpp"

namespace berth::inline host_v1 {

/// Bytes of all operations together, or 0 when a directory is among them or one cannot be looked at.
[[nodiscard]] std::uint64_t known_size(std::span<const FileOperation> operations);

/// Used by one thread at a time. `operations` and `transfer` must outlive it.
class HostFileSource final : public FileSource {
public:
    HostFileSource(std::span<const FileOperation> operations, Transfer& transfer);
    ~HostFileSource() override;

    std::optional<FileEntry> next() override;
    std::size_t read(std::span<std::byte> buffer) override;
    bool rewind() override;
    /// None: reading into the plugin's buffer is one copy, and a pipe would cost a thread and notice changes too late.
    int pipe() override { return -1; }
    void done(std::uint64_t operation) override;

    [[nodiscard]] std::uint64_t operations_done() const noexcept { return operations_done_; }
    /// It was asked for the first entry and could not give one: nothing can have come into the sandbox.
    [[nodiscard]] bool failed_at_once() const noexcept { return begun_ > 0 && !given_; }

private:
    struct Name {
        std::string text;
        unsigned char type;  ///< DT_*
    };
    struct Directory {
        FileDescriptor descriptor;
        std::vector<Name> names;  ///< the next one is the last
        std::size_t host_length;  ///< of host_path_ up to this directory
        std::size_t sandbox_length;
    };
    struct Current;  ///< the file being read

    [[nodiscard]] const FileOperation& operation() const noexcept { return operations_[operation_]; }
    std::optional<FileEntry> next_entry();
    FileEntry begin_operation();
    FileEntry child(const Name& name);
    FileEntry file(FileDescriptor descriptor, bool top);
    FileEntry directory(FileDescriptor descriptor, bool top);
    FileEntry link(int parent, const std::string& name);
    FileEntry entry(FileEntry::Kind kind, bool top) const;
    void enter(const std::string& name);
    void check_unchanged() const;
    [[nodiscard]] Error failure(std::string_view act, int error_number) const;
    [[nodiscard]] Error changed() const;
    [[nodiscard]] Error special() const;

    std::span<const FileOperation> operations_;
    Transfer& transfer_;
    std::size_t operation_ = 0;
    std::size_t begun_ = 0;  ///< operations of which the top was asked for
    bool given_ = false;     ///< at least one entry
    std::uint64_t operations_done_ = 0;
    std::vector<Directory> directories_;
    std::string host_path_;
    std::string sandbox_path_;
    std::string link_target_;
    std::unique_ptr<Current> current_;
};

}  // namespace berth::inline host_v1
