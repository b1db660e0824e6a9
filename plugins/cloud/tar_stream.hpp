// Tar archives as they pass by: written as tar.gz for a backend that takes one, read from bytes that a sandbox sent, which
// are hostile. Small enough to live in every plugin: libarchive and what it loads would cost each start some milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace berth_cloud {

// Regular files in a gzip stream of stored blocks. Names are at most 100 bytes. Throws std::bad_alloc.
class TarGzWriter {
public:
    TarGzWriter();
    TarGzWriter(TarGzWriter&& other) noexcept;
    TarGzWriter& operator=(TarGzWriter&& other) noexcept;
    TarGzWriter(const TarGzWriter&) = delete;
    TarGzWriter& operator=(const TarGzWriter&) = delete;
    ~TarGzWriter();
    void begin_file(std::string_view name, std::uint64_t size, unsigned mode);
    // As many bytes in all as begin_file said.
    void write(std::string_view bytes);
    void end_file();
    void add_file(std::string_view name, std::string_view content, unsigned mode);
    // How many bytes of content there are so far.
    [[nodiscard]] std::size_t size() const { return size_; }
    // The whole archive; the writer is used up.
    [[nodiscard]] std::string finish();

private:
    class Zip;
    void put(std::string_view bytes);
    std::unique_ptr<Zip> zip_;
    std::string zipped_;
    std::size_t size_ = 0;
    std::uint64_t left_ = 0;
};

class TarError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct TarEntry {
    enum class Kind { file, directory, symlink, hard_link, special };
    Kind kind = Kind::file;
    std::string name;  // as it stands there: anything
    std::string target;
    std::uint64_t size = 0;  // of a file
    unsigned mode = 0;
};

// What to do with an archive that comes in pieces cut anywhere.
class TarTaker {
public:
    virtual void entry(const TarEntry& entry) = 0;
    virtual void content(std::string_view bytes) = 0;  // of the file begun last
    virtual void end_of_file() = 0;

protected:
    ~TarTaker() = default;
};

// Plain tar: ustar, GNU's long names, pax names. Memory is bounded whatever comes; throws TarError for what is no tar.
class TarReader {
public:
    void feed(std::string_view bytes, TarTaker& taker);
    // After the last bytes: throws TarError when the archive is cut.
    void finish() const;

private:
    void header(TarTaker& taker);
    void begin(TarEntry entry, char type, TarTaker& taker);
    void end_of_extra();
    enum class State { header, file, extra, skipped, padding, end };
    State state_ = State::header;
    std::string block_;
    std::string extra_;
    char extra_type_ = 0;
    std::uint64_t left_ = 0;
    std::uint64_t padding_ = 0;
    std::optional<std::string> long_name_;
    std::optional<std::string> long_target_;
};

}  // namespace berth_cloud
