#include "tar_stream.hpp"

#define ZLIB_CONST  // it reads what it is given, and says so
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>

namespace berth_cloud {

namespace {

constexpr std::size_t block_size = 512;
constexpr std::uint64_t most_extra = 1U << 20;

void put_octal(std::string& header, std::size_t at, std::size_t width, std::uint64_t value) {
    for (std::size_t n = width - 1; n-- > 0; value >>= 3U)
        header[at + n] = static_cast<char>('0' + (value & 7U));
}

std::uint64_t checksum(std::string_view header) {
    std::uint64_t sum = 0;
    for (std::size_t n = 0; n < header.size(); ++n)
        sum += n >= 148 && n < 156 ? ' ' : static_cast<unsigned char>(header[n]);
    return sum;
}

std::uint64_t number_in(std::string_view field) {
    if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80U) != 0) {  // GNU: binary
        std::uint64_t value = static_cast<unsigned char>(field[0]) & 0x7fU;
        for (const char c : field.substr(1)) {
            if (value >> 55U != 0) throw TarError("a size in the archive is too large");
            value = value << 8U | static_cast<unsigned char>(c);
        }
        return value;
    }
    std::uint64_t value = 0;
    for (const char c : field) {
        if (c == ' ' || c == '\0') {
            if (value != 0) break;
            continue;
        }
        if (c < '0' || c > '7') throw TarError("a number in the archive is none");
        value = value << 3U | static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

std::string text_in(std::string_view field) {
    return std::string{field.substr(0, field.find('\0'))};
}

// "LEN key=value\n" again and again.
std::optional<std::string> pax_value(std::string_view records, std::string_view key) {
    std::optional<std::string> found;
    while (!records.empty()) {
        std::size_t length = 0;
        std::size_t at = 0;
        while (at < records.size() && records[at] >= '0' && records[at] <= '9' && length < most_extra)
            length = length * 10 + static_cast<std::size_t>(records[at++] - '0');
        if (length <= at + 1 || length > records.size() || records[at] != ' ')
            throw TarError("a pax header is damaged");
        const std::string_view record = records.substr(at + 1, length - at - 2);
        if (record.size() > key.size() && record.substr(0, key.size()) == key && record[key.size()] == '=')
            found = std::string{record.substr(key.size() + 1)};
        records.remove_prefix(length);
    }
    return found;
}

}  // namespace

/// gzip around deflate's stored blocks: nothing is made smaller, and nothing is waited for.
class TarGzWriter::Zip {
public:
    Zip() {
        constexpr int gzip_window = 15 + 16;
        constexpr int most_memory = 9;
        if (::deflateInit2(&stream_, Z_NO_COMPRESSION, Z_DEFLATED, gzip_window, most_memory, Z_DEFAULT_STRATEGY) !=
            Z_OK)
            throw std::bad_alloc();
    }
    Zip(const Zip&) = delete;
    Zip& operator=(const Zip&) = delete;
    ~Zip() { (void)::deflateEnd(&stream_); }

    /// Appends to `to` what comes of `bytes`; with `flush` Z_FINISH all that is left.
    void take(std::string_view bytes, int flush, std::string& to) {
        constexpr std::size_t overhead = 256;
        stream_.next_in = reinterpret_cast<const Bytef*>(bytes.data());
        stream_.avail_in = static_cast<uInt>(bytes.size());
        int result = Z_OK;
        do {
            const std::size_t before = to.size();
            const std::size_t room = stream_.avail_in + overhead;
            to.resize(before + room);
            stream_.next_out = reinterpret_cast<Bytef*>(to.data() + before);
            stream_.avail_out = static_cast<uInt>(room);
            result = ::deflate(&stream_, flush);
            to.resize(before + room - stream_.avail_out);
        } while (result != Z_STREAM_END && (stream_.avail_in != 0 || flush == Z_FINISH));
    }

private:
    z_stream stream_{};
};

TarGzWriter::TarGzWriter() : zip_(std::make_unique<Zip>()) {}
TarGzWriter::TarGzWriter(TarGzWriter&&) noexcept = default;
TarGzWriter& TarGzWriter::operator=(TarGzWriter&&) noexcept = default;
TarGzWriter::~TarGzWriter() = default;

void TarGzWriter::put(std::string_view bytes) {
    constexpr std::size_t most = 1U << 30U;  // the library counts in 32 bits
    size_ += bytes.size();
    for (; !bytes.empty(); bytes.remove_prefix(std::min(most, bytes.size())))
        zip_->take(bytes.substr(0, most), Z_NO_FLUSH, zipped_);
}

void TarGzWriter::begin_file(std::string_view name, std::uint64_t size, unsigned mode) {
    if (name.empty() || name.size() > 100) throw std::logic_error("a name of 1 to 100 bytes is needed");
    std::string header(block_size, '\0');
    std::copy(name.begin(), name.end(), header.begin());
    put_octal(header, 100, 8, mode);
    put_octal(header, 108, 8, 0);
    put_octal(header, 116, 8, 0);
    put_octal(header, 124, 12, size);
    put_octal(header, 136, 12, static_cast<std::uint64_t>(std::time(nullptr)));
    header[156] = '0';
    header.replace(257, 8,
                   std::string_view("ustar\0"
                                    "00",
                                    8));
    put_octal(header, 148, 7, checksum(header));
    header[155] = ' ';
    put(header);
    left_ = size;
}

void TarGzWriter::write(std::string_view bytes) {
    if (bytes.size() > left_) throw std::logic_error("more bytes than announced");
    put(bytes);
    left_ -= bytes.size();
}

void TarGzWriter::end_file() {
    if (left_ != 0) throw std::logic_error("fewer bytes than announced");
    put(std::string((block_size - size_ % block_size) % block_size, '\0'));
}

void TarGzWriter::add_file(std::string_view name, std::string_view content, unsigned mode) {
    zipped_.reserve(zipped_.size() + content.size() + content.size() / 1024 + std::size_t{4} * block_size);
    begin_file(name, content.size(), mode);
    write(content);
    end_file();
}

std::string TarGzWriter::finish() {
    put(std::string(2 * block_size, '\0'));
    zip_->take({}, Z_FINISH, zipped_);
    return std::move(zipped_);
}

void TarReader::feed(std::string_view bytes, TarTaker& taker) {
    while (!bytes.empty() && state_ != State::end) {
        if (state_ == State::header) {
            const std::size_t size = std::min(bytes.size(), block_size - block_.size());
            block_.append(bytes.substr(0, size));
            bytes.remove_prefix(size);
            if (block_.size() == block_size) header(taker);
            continue;
        }
        if (state_ == State::padding) {
            const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), padding_));
            bytes.remove_prefix(size);
            padding_ -= size;
            if (padding_ == 0) state_ = State::header;
            continue;
        }
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_));
        if (state_ == State::file) taker.content(bytes.substr(0, size));
        if (state_ == State::extra) extra_.append(bytes.substr(0, size));
        bytes.remove_prefix(size);
        left_ -= size;
        if (left_ != 0) continue;
        if (state_ == State::file) taker.end_of_file();
        if (state_ == State::extra) end_of_extra();
        state_ = padding_ != 0 ? State::padding : State::header;
    }
}

void TarReader::finish() const {
    if (state_ != State::end) throw TarError("the archive is cut");
}

void TarReader::header(TarTaker& taker) {
    const std::string block = std::exchange(block_, {});
    if (block.find_first_not_of('\0') == std::string::npos) {
        state_ = State::end;
        return;
    }
    const std::string_view view = block;
    if (number_in(view.substr(148, 8)) != checksum(view)) throw TarError("this is no tar archive");
    TarEntry entry;
    entry.name = text_in(view.substr(0, 100));
    if (view.substr(257, 6) == std::string_view("ustar\0", 6))
        if (const std::string prefix = text_in(view.substr(345, 155)); !prefix.empty())
            entry.name = prefix + "/" + entry.name;
    entry.target = text_in(view.substr(157, 100));
    entry.mode = static_cast<unsigned>(number_in(view.substr(100, 8)) & 0777U);
    entry.size = number_in(view.substr(124, 12));
    if (entry.size >> 50U != 0) throw TarError("a size in the archive is too large");
    begin(std::move(entry), view[156], taker);
}

void TarReader::begin(TarEntry entry, char type, TarTaker& taker) {
    left_ = entry.size;
    padding_ = (block_size - entry.size % block_size) % block_size;
    const bool extra = type == 'L' || type == 'K' || type == 'x' || type == 'g';
    if (extra) {
        if (entry.size > most_extra) throw TarError("a name in the archive is too long");
        extra_type_ = type;
        extra_.clear();
        state_ = left_ != 0 ? State::extra : State::header;
        return;
    }
    if (long_name_) entry.name = *std::exchange(long_name_, std::nullopt);
    if (long_target_) entry.target = *std::exchange(long_target_, std::nullopt);
    entry.kind = type == '0' || type == '\0' || type == '7' ? TarEntry::Kind::file
                 : type == '5'                              ? TarEntry::Kind::directory
                 : type == '2'                              ? TarEntry::Kind::symlink
                 : type == '1'                              ? TarEntry::Kind::hard_link
                                                            : TarEntry::Kind::special;
    taker.entry(entry);
    const bool file = entry.kind == TarEntry::Kind::file;
    if (file && left_ == 0) taker.end_of_file();
    state_ = left_ == 0 ? State::header : file ? State::file : State::skipped;
}

void TarReader::end_of_extra() {
    if (extra_type_ == 'L') long_name_ = text_in(extra_);
    if (extra_type_ == 'K') long_target_ = text_in(extra_);
    if (extra_type_ != 'x') return;
    if (auto name = pax_value(extra_, "path")) long_name_ = std::move(name);
    if (auto target = pax_value(extra_, "linkpath")) long_target_ = std::move(target);
    if (pax_value(extra_, "size")) throw TarError("a file in the archive is too large");
}

}  // namespace berth_cloud
