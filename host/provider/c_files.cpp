#include "c_files.hpp"

#include <algorithm>
#include <span>

#include "../base/text.hpp"
#include "../service/admit.hpp"
#include "diagnostics.hpp"
#include "reported.hpp"

namespace berth::inline host_v1 {

namespace {

using provider_diagnostics::malformed;
using provider_diagnostics::wrong_order;

constexpr std::uint64_t longest_path = std::uint64_t{64} * 1024;
constexpr unsigned permission_bits = 0777;

berth_str view_of(std::string_view text) noexcept {
    // Present and empty has data: a path "" is not an absent one.
    return {text.data() == nullptr ? "" : text.data(), text.size()};
}

std::string_view read_path(berth_str view, std::string_view field) {
    const auto path = read_bytes(view, field, longest_path);
    if (path.find('\0') != std::string_view::npos) {
        throw Breach(malformed, "the plugin gave NUL in a " + std::string(field));
    }
    return path;
}

}  // namespace

// --- source ----------------------------------------------------------------------------------------------------------

struct FileSourceFace::Functions {
    static FileSourceFace& of(berth_file_source* source) noexcept {
        return *static_cast<FileSourceFace*>(source->host_data);
    }

    template <typename Function>
    static berth_status enter(berth_file_source* source, Function&& function) noexcept {
        auto& self = of(source);
        return self.door_.enter(self.call_, [&]() -> berth_status {
            return self.call_.stopped() ? self.call_.cancelled() : function(self);
        });
    }

    static berth_status next(berth_file_source* source, berth_file_entry* entry) noexcept {
        return enter(source, [&](FileSourceFace& self) { return self.next(entry); });
    }

    static berth_status read(berth_file_source* source, void* buffer, std::uint64_t capacity,
                             std::uint64_t* got) noexcept {
        return enter(source, [&](FileSourceFace& self) { return self.read(buffer, capacity, got); });
    }

    static berth_status rewind(berth_file_source* source) noexcept {
        return enter(source, [](FileSourceFace& self) -> berth_status {
            self.require_file("rewound");
            if (self.source_.rewind()) return BERTH_OK;
            return self.call_.failed(Error(provider_diagnostics::reported(Code::unsupported),
                                           "the source of this file cannot be read twice",
                                           "upload a regular file instead of a pipe"));
        });
    }

    static int pipe(berth_file_source* source) noexcept {
        int descriptor = -1;
        (void)enter(source, [&](FileSourceFace& self) {
            self.require_file("asked for a pipe of");
            descriptor = self.source_.pipe();
            return BERTH_OK;
        });
        return descriptor;
    }

    static void done(berth_file_source* source, std::uint64_t operation) noexcept {
        auto& self = of(source);
        (void)self.door_.enter(self.call_, [&] {
            self.source_.done(operation);
            return BERTH_OK;
        });
    }
};

FileSourceFace::FileSourceFace(CCall& call, FileSource& source)
    : call_(call),
      source_(source),
      face_{sizeof face_,    0, this, &Functions::next, &Functions::read, &Functions::rewind, &Functions::pipe,
            &Functions::done} {}

berth_status FileSourceFace::next(berth_file_entry* entry) {
    if (entry == nullptr || entry->size < size_in_v1_0<berth_file_entry>) {
        throw Breach(malformed, "the plugin asked for a file entry without room for it");
    }
    in_file_ = false;
    const auto found = at_end_ ? std::nullopt : source_.next();
    if (!found) {
        at_end_ = true;
        return BERTH_END;
    }
    path_ = found->path;
    link_target_ = found->link_target;
    in_file_ = found->kind == FileEntry::Kind::file;
    berth_file_entry full{};
    if (found->top) full.flags |= BERTH_ENTRY_TOP;
    if (found->mode) full.flags |= BERTH_ENTRY_MODE_KNOWN;
    full.kind = static_cast<std::int32_t>(found->kind);
    full.mode = found->mode.value_or(0);
    full.operation = found->operation;
    full.path = view_of(path_);
    if (found->kind == FileEntry::Kind::symlink) full.link_target = view_of(link_target_);
    if (found->length) full.length = {*found->length, 1};
    return give_back(full, entry) ? BERTH_OK : BERTH_CONTRACT;
}

void FileSourceFace::require_file(const char* what) const {
    if (!in_file_) throw Breach(wrong_order, std::string("the plugin ") + what + " a file before it took one");
}

berth_status FileSourceFace::read(void* buffer, std::uint64_t capacity, std::uint64_t* got) {
    require_file("read");
    if (got == nullptr || buffer == nullptr || capacity == 0) {
        throw Breach(malformed, "the plugin read a file without room for its bytes");
    }
    *got = 0;
    const auto count = source_.read({static_cast<std::byte*>(buffer), static_cast<std::size_t>(capacity)});
    if (count == 0) return BERTH_END;
    *got = count;
    return BERTH_OK;
}

std::optional<std::string> FileSourceFace::left_over() {
    if (at_end_) return std::nullopt;
    const auto found = source_.next();
    if (!found) return std::nullopt;
    return std::string(found->path);
}

// --- sink ------------------------------------------------------------------------------------------------------------

struct FileSinkFace::Functions {
    template <typename Function>
    static berth_status enter(berth_file_sink* sink, Function&& function) noexcept {
        auto& self = *static_cast<FileSinkFace*>(sink->host_data);
        return self.door_.enter(self.call_, [&]() -> berth_status {
            return self.call_.stopped() ? self.call_.cancelled() : function(self);
        });
    }

    static berth_status begin(berth_file_sink* sink, const berth_file_entry* entry) noexcept {
        return enter(sink, [&](FileSinkFace& self) {
            self.begin(entry);
            return BERTH_OK;
        });
    }

    static berth_status write(berth_file_sink* sink, berth_bytes bytes) noexcept {
        return enter(sink, [&](FileSinkFace& self) { return self.write(bytes); });
    }

    static berth_status commit(berth_file_sink* sink) noexcept {
        return enter(sink, [](FileSinkFace& self) {
            self.commit();
            return BERTH_OK;
        });
    }

    static berth_status skip(berth_file_sink* sink, const berth_file_entry* entry, berth_str reason) noexcept {
        return enter(sink, [&](FileSinkFace& self) {
            const auto skipped = self.read_entry(entry);
            const auto why =
                bearable(self.call_.safe(read_bytes(reason, "reason", ReadLimits::text)), ReadLimits::name);
            self.sink_.skip(skipped, why);
            return BERTH_OK;
        });
    }
};

FileSinkFace::FileSinkFace(CCall& call, FileSink& sink, std::size_t operations)
    : call_(call),
      sink_(sink),
      arrived_(operations, false),
      face_{sizeof face_, 0, this, &Functions::begin, &Functions::write, &Functions::commit, &Functions::skip} {}

FileEntry FileSinkFace::read_entry(const berth_file_entry* incoming) const {
    const auto full = admit(incoming);
    if (!full) throw Breach(malformed, "the plugin gave a file entry that is missing or too short");
    if (full->kind < BERTH_FILE || full->kind > BERTH_SYMLINK) {
        throw Breach(malformed, "the plugin gave a file entry of the unknown kind " + std::to_string(full->kind));
    }
    if (full->operation >= arrived_.size()) {
        throw Breach(malformed, "the plugin gave a file entry for item " + std::to_string(full->operation) + " of " +
                                    std::to_string(arrived_.size()));
    }
    FileEntry entry;
    entry.kind = static_cast<FileEntry::Kind>(full->kind);
    entry.operation = full->operation;
    entry.top = (full->flags & BERTH_ENTRY_TOP) != 0;
    entry.path = read_path(full->path, "path of a file entry");
    entry.link_target = read_path(full->link_target, "target of a link");
    // Set-user-id and its like are dropped: what a sandbox says must not become a privilege here.
    if ((full->flags & BERTH_ENTRY_MODE_KNOWN) != 0) entry.mode = full->mode & permission_bits;
    entry.length = berth::read(full->length);
    return entry;
}

void FileSinkFace::begin(const berth_file_entry* incoming) {
    const auto entry = read_entry(incoming);
    stage_ = Stage::none;  // an entry that was begun and not committed never existed
    sink_.begin(entry);
    stage_ = entry.kind == FileEntry::Kind::file ? Stage::file : Stage::other;
    operation_ = entry.operation;
    length_ = entry.kind == FileEntry::Kind::file ? entry.length : std::nullopt;
    written_ = 0;
}

berth_status FileSinkFace::write(berth_bytes bytes) {
    if (stage_ != Stage::file) throw Breach(wrong_order, "the plugin wrote bytes of a file before it began one");
    if (bytes.size == 0) return BERTH_OK;
    if (bytes.data == nullptr) throw Breach(malformed, "the plugin wrote bytes with a size without data");
    const std::string_view view(reinterpret_cast<const char*>(bytes.data), static_cast<std::size_t>(bytes.size));
    sink_.write(view);
    written_ += view.size();
    return BERTH_OK;
}

void FileSinkFace::commit() {
    if (stage_ == Stage::none) throw Breach(wrong_order, "the plugin committed a file entry before it began one");
    if (length_ && written_ != *length_) {
        throw Breach(wrong_order, "the plugin committed a file of " + std::to_string(*length_) + " bytes after " +
                                      std::to_string(written_));
    }
    stage_ = Stage::none;
    sink_.commit();
    arrived_[static_cast<std::size_t>(operation_)] = true;
}

void FileSinkFace::close(berth_status status) {
    door_.close();
    if (status == BERTH_OK && stage_ != Stage::none) {
        (void)call_.breach(Breach(wrong_order, "the plugin began a file entry and never committed it"));
    }
}

std::optional<std::size_t> FileSinkFace::missing_operation() const {
    const auto missing = std::find(arrived_.begin(), arrived_.end(), false);
    if (missing == arrived_.end()) return std::nullopt;
    return static_cast<std::size_t>(missing - arrived_.begin());
}

}  // namespace berth::inline host_v1
