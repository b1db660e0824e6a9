// Files on their way out of a sandbox, which is not trusted: names are checked, nothing is written outside the target
// or through a link in it, and a file has its name only once it is whole. Knows no provider.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../base/file_descriptor.hpp"
#include "../config/configuration.hpp"
#include "../provider/provider.hpp"
#include "transfer.hpp"

namespace berth::inline host_v1 {

/// The entry of a download between begin and commit. Not inside the sink: clang refuses an optional of a nested
/// struct with initializers while its class is being read.
struct DownloadedEntry {
    FileEntry::Kind kind = FileEntry::Kind::file;
    std::string path;           ///< below the target, "" for the target itself
    FileDescriptor top_parent;  ///< of the target itself: the host directory it lies in
    std::string name;           ///< the last step of where it goes
    std::string link_target;
    unsigned mode = 0;
    std::optional<std::uint64_t> length;
    std::uint64_t written = 0;
    FileDescriptor file;
    std::string temporary;  ///< empty: none on the disk
};

/// Used by one thread at a time. `operations` and `transfer` must outlive it. What was begun and not committed is gone
/// with it.
class HostFileSink final : public FileSink {
public:
    HostFileSink(std::span<const FileOperation> operations, DownloadLimits limits, Transfer& transfer);
    HostFileSink(const HostFileSink&) = delete;
    HostFileSink& operator=(const HostFileSink&) = delete;
    ~HostFileSink() override;

    void begin(const FileEntry& entry) override;
    void write(std::string_view bytes) override;
    void commit() override;
    void skip(const FileEntry& entry, std::string_view reason) override;

    /// After the provider said all went well: every operation must have come, and directories get their modes.
    void finish();

    [[nodiscard]] std::uint64_t files() const noexcept { return files_; }
    [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }
    /// Operations that are wholly in place: all but the newest one, and that one once it is finished.
    [[nodiscard]] std::uint64_t operations_done() const noexcept;
    /// The first entry was refused, and nothing on this machine was changed for it.
    [[nodiscard]] bool failed_at_once() const noexcept { return entries_ == 1 && !touched_; }

private:
    /// What became of one operation.
    enum class Target { missing, file, directory };
    /// A directory whose mode would keep us out: set when nothing more is to be put into it.
    struct LateMode {
        std::size_t operation;
        std::string path;
        unsigned mode;
    };

    void select(const FileEntry& entry);
    void place_top(const FileEntry& entry);
    void place_below(const FileEntry& entry);
    void count(const FileEntry& entry);
    void commit_file();
    void commit_link();
    void commit_directory();
    void open_root();
    void create_file();
    [[nodiscard]] std::string next_temporary();
    void rename_into_place();
    void set_directory_mode();
    void set_late_modes() noexcept;
    void discard() noexcept;
    /// Where the current entry's name lies.
    [[nodiscard]] int parent();
    [[nodiscard]] int directory_below(const std::string& path);
    void make_directories(const std::string& path);

    [[nodiscard]] unsigned mode_of(const FileEntry& entry) const;
    [[nodiscard]] const FileOperation& operation() const noexcept { return operations_[operation_]; }
    [[nodiscard]] std::string host_path(std::string_view below) const;
    [[nodiscard]] Error failure(std::string_view act, int error_number, std::string_view below) const;
    [[nodiscard]] Error hostile(std::string_view path, std::string_view what) const;
    [[nodiscard]] Error out_of_order(std::string_view path, std::string message) const;
    [[nodiscard]] Error too_large(std::string_view message) const;

    std::span<const FileOperation> operations_;
    DownloadLimits limits_;
    Transfer& transfer_;
    std::vector<Target> targets_;
    std::size_t operation_ = 0;
    FileDescriptor root_;            ///< of the selected operation, when that is a directory
    std::string open_path_;          ///< of open_directory_, below root_
    FileDescriptor open_directory_;  ///< where the newest entry lies: the next one mostly lies beside it
    std::optional<DownloadedEntry> current_;
    std::vector<LateMode> late_modes_;
    std::size_t late_bytes_ = 0;
    std::string token_;  ///< in temporary names
    std::uint64_t temporaries_ = 0;
    std::uint64_t entries_ = 0;
    std::uint64_t files_ = 0;
    std::uint64_t skipped_ = 0;
    std::uint64_t bytes_ = 0;
    bool incomplete_ = false;  ///< something was begun and not committed
    bool touched_ = false;     ///< something may have been made on this machine
    bool finished_ = false;
};

}  // namespace berth::inline host_v1
