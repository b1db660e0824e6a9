// Files between a plugin and the host's own source or sink: checks the order and the form of what crosses. Opens no
// file and knows no host path.
#pragma once

#include <berth/plugin.h>

#include <cstdint>
#include <string>
#include <vector>

#include "c_call.hpp"
#include "provider.hpp"

namespace berth::inline host_v1 {

/// Upload and create.
class FileSourceFace {
public:
    FileSourceFace(CCall& call, FileSource& source);
    [[nodiscard]] berth_file_source* face() noexcept { return &face_; }
    void close() noexcept { door_.close(); }
    /// After the method returned OK: the path of an entry that the plugin left untaken; empty when it took all.
    [[nodiscard]] std::optional<std::string> left_over();

private:
    struct Functions;
    berth_status next(berth_file_entry* entry);
    berth_status read(void* buffer, std::uint64_t capacity, std::uint64_t* got);
    void require_file(const char* what) const;

    CCall& call_;
    FileSource& source_;
    Door door_;
    bool at_end_ = false;
    bool in_file_ = false;
    std::string path_;  ///< the views of an entry live until the next one: the source's own may not
    std::string link_target_;
    berth_file_source face_;
};

/// Download.
class FileSinkFace {
public:
    FileSinkFace(CCall& call, FileSink& sink, std::size_t operations);
    [[nodiscard]] berth_file_sink* face() noexcept { return &face_; }
    /// Nothing is taken any more. Records a breach when an entry was begun and not committed though the method is OK.
    void close(berth_status status);
    /// The first wanted path of which nothing has come; absent when all have.
    [[nodiscard]] std::optional<std::size_t> missing_operation() const;

private:
    struct Functions;
    enum class Stage { none, file, other };
    [[nodiscard]] FileEntry read_entry(const berth_file_entry* incoming) const;
    void begin(const berth_file_entry* incoming);
    berth_status write(berth_bytes bytes);
    void commit();

    CCall& call_;
    FileSink& sink_;
    Door door_;
    Stage stage_ = Stage::none;
    std::uint64_t operation_ = 0;
    std::optional<std::uint64_t> length_;
    std::uint64_t written_ = 0;
    std::vector<bool> arrived_;
    berth_file_sink face_;
};

}  // namespace berth::inline host_v1
