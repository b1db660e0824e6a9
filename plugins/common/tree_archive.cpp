#include "tree_archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace berth_common {
namespace {

constexpr std::size_t block_size = 256U << 10;

struct FreeReader {
    void operator()(archive* reader) const { ::archive_read_free(reader); }
};
struct FreeWriter {
    void operator()(archive* writer) const { ::archive_write_free(writer); }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};
struct FreeResolver {
    void operator()(archive_entry_linkresolver* resolver) const { ::archive_entry_linkresolver_free(resolver); }
};
using Reader = std::unique_ptr<archive, FreeReader>;
using Writer = std::unique_ptr<archive, FreeWriter>;
using Resolver = std::unique_ptr<archive_entry_linkresolver, FreeResolver>;

[[noreturn]] void fail(const std::string& where, archive* which) {
    const char* why = ::archive_error_string(which);
    throw std::runtime_error(where + ": " + (why != nullptr ? why : "libarchive gives no reason"));
}

std::string name_of(archive_entry* entry) {
    const char* name = ::archive_entry_pathname(entry);
    if (name == nullptr) {
        throw std::runtime_error("an entry's name is no text");
    }
    return name;
}

// --- unpack

Reader open_tar(int archive_file) {
    Reader reader(::archive_read_new());
    ::archive_read_support_format_tar(reader.get());
    ::archive_read_support_filter_gzip(reader.get());
    ::archive_read_support_filter_xz(reader.get());
    ::archive_read_support_filter_zstd(reader.get());
    ::archive_read_support_filter_bzip2(reader.get());
    if (::archive_read_open_fd(reader.get(), archive_file, block_size) != ARCHIVE_OK) {
        fail("this is no tar file", reader.get());
    }
    return reader;
}

Writer open_disk() {
    Writer disk(::archive_write_disk_new());
    ::archive_write_disk_set_options(disk.get(), ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
                                                     ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                                                     ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
    return disk;
}

bool is_wanted(archive_entry* entry) {
    switch (::archive_entry_filetype(entry)) {
        case AE_IFCHR:
        case AE_IFBLK:
        case AE_IFSOCK:
            return false;
        default:
            return true;
    }
}

// What overlayfs would read as its own lies in extended attributes; and none of them is worth it.
void strip(archive_entry* entry) {
    ::archive_entry_xattr_clear(entry);
    ::archive_entry_acl_clear(entry);
    ::archive_entry_set_fflags(entry, 0, 0);
}

// "/etc/x" is meant as "etc/x", as every tar program reads it.
std::string relative(const std::string& name) {
    const std::size_t start = name.find_first_not_of('/');
    return start == std::string::npos ? "." : name.substr(start);
}

class Unpacking {
public:
    Unpacking(Reader reader, const UnpackLimits& limits, const std::function<void(const UnpackProgress&)>& progress)
        : reader_(std::move(reader)), disk_(open_disk()), limits_(limits), progress_(progress) {}

    void run() {
        for (archive_entry* entry = nullptr; next(entry);) {
            if (++done_.entries > limits_.entries) {
                throw std::runtime_error("the tar file has more than " + std::to_string(limits_.entries) + " entries");
            }
            if (is_wanted(entry)) {
                take(entry);
            }
            if (done_.entries % 500 == 0) {
                progress_(done_);
            }
        }
        if (::archive_write_close(disk_.get()) != ARCHIVE_OK) {
            fail("finishing", disk_.get());
        }
        progress_(done_);
    }

private:
    bool next(archive_entry*& entry) {
        const int result = ::archive_read_next_header(reader_.get(), &entry);
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN && result != ARCHIVE_EOF) {
            fail(done_.entries == 0 ? "this is no tar file" : "the tar file is damaged", reader_.get());
        }
        return result != ARCHIVE_EOF;
    }

    void take(archive_entry* entry) {
        const std::string name = relative(name_of(entry));
        ::archive_entry_set_pathname(entry, name.c_str());
        if (const char* link = ::archive_entry_hardlink(entry)) {
            ::archive_entry_set_hardlink(entry, relative(link).c_str());
        }
        strip(entry);
        if (::archive_entry_size(entry) > static_cast<std::int64_t>(limits_.bytes - done_.bytes)) {
            too_large();
        }
        if (::archive_write_header(disk_.get(), entry) != ARCHIVE_OK) {
            fail(name, disk_.get());
        }
        copy_data(name);
        if (::archive_write_finish_entry(disk_.get()) != ARCHIVE_OK) {
            fail(name, disk_.get());
        }
    }

    void copy_data(const std::string& name) {
        const void* data = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        for (;;) {
            const int result = ::archive_read_data_block(reader_.get(), &data, &size, &offset);
            if (result == ARCHIVE_EOF) {
                return;
            }
            if (result != ARCHIVE_OK) {
                fail(name, reader_.get());
            }
            done_.bytes += size;
            if (done_.bytes > limits_.bytes) {
                too_large();
            }
            if (::archive_write_data_block(disk_.get(), data, size, offset) < ARCHIVE_OK) {
                fail(name, disk_.get());
            }
        }
    }

    [[noreturn]] void too_large() const {
        throw std::runtime_error("the tar file holds more than " + std::to_string(limits_.bytes) + " bytes");
    }

    Reader reader_;
    Writer disk_;
    const UnpackLimits& limits_;
    const std::function<void(const UnpackProgress&)>& progress_;
    UnpackProgress done_;
};

// --- pack

class Packing {
public:
    Packing(int to, const std::function<std::int64_t(std::int64_t)>& owner_of)
        : disk_(::archive_read_disk_new()),
          tar_(::archive_write_new()),
          links_(::archive_entry_linkresolver_new()),
          owner_of_(owner_of) {
        ::archive_read_disk_set_symlink_physical(disk_.get());
        ::archive_read_disk_set_behavior(
            disk_.get(), ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL | ARCHIVE_READDISK_NO_FFLAGS);
        ::archive_write_set_format_pax_restricted(tar_.get());
        ::archive_write_add_filter_none(tar_.get());
        ::archive_write_set_bytes_per_block(tar_.get(), static_cast<int>(block_size));
        ::archive_write_set_bytes_in_last_block(tar_.get(), 1);
        if (::archive_write_open_fd(tar_.get(), to) != ARCHIVE_OK) {
            fail("writing", tar_.get());
        }
        ::archive_entry_linkresolver_set_strategy(links_.get(), ::archive_format(tar_.get()));
        if (::archive_read_disk_open(disk_.get(), ".") != ARCHIVE_OK) {
            fail(".", disk_.get());
        }
    }

    void run() {
        for (;;) {
            const std::unique_ptr<archive_entry, FreeEntry> entry(::archive_entry_new2(disk_.get()));
            const int result = ::archive_read_next_header2(disk_.get(), entry.get());
            if (result == ARCHIVE_EOF) {
                break;
            }
            // A warning here is a directory that cannot be entered: what is in it would be missing without a word.
            if (result != ARCHIVE_OK) {
                fail("reading", disk_.get());
            }
            if (is_wanted(entry.get())) {
                put(entry.get());
            }
            ::archive_read_disk_descend(disk_.get());
        }
        if (::archive_write_close(tar_.get()) != ARCHIVE_OK) {
            fail("writing", tar_.get());
        }
    }

private:
    void put(archive_entry* entry) {
        const std::string name = name_of(entry);
        ::archive_entry_set_uid(entry, owner_of_(::archive_entry_uid(entry)));
        ::archive_entry_set_gid(entry, owner_of_(::archive_entry_gid(entry)));
        archive_entry* spare = nullptr;
        ::archive_entry_linkify(links_.get(), &entry, &spare);
        if (::archive_write_header(tar_.get(), entry) != ARCHIVE_OK) {
            fail(name, tar_.get());
        }
        if (::archive_entry_size(entry) > 0) {
            copy_data(name);
        }
    }

    void copy_data(const std::string& name) {
        static constexpr char zeros[4096] = {};
        const void* data = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        la_int64_t written = 0;
        for (;;) {
            const int result = ::archive_read_data_block(disk_.get(), &data, &size, &offset);
            if (result == ARCHIVE_EOF) {
                return;
            }
            if (result != ARCHIVE_OK) {
                fail(name, disk_.get());
            }
            while (written < offset) {  // a hole
                written += write(zeros, std::min(sizeof zeros, static_cast<std::size_t>(offset - written)), name);
            }
            written += write(data, size, name);
        }
    }

    la_int64_t write(const void* data, std::size_t size, const std::string& name) {
        const la_ssize_t done = ::archive_write_data(tar_.get(), data, size);
        if (done < 0 || static_cast<std::size_t>(done) != size) {
            fail(name, tar_.get());
        }
        return done;
    }

    Reader disk_;
    Writer tar_;
    Resolver links_;
    const std::function<std::int64_t(std::int64_t)>& owner_of_;
};

}  // namespace

void unpack_tree(int archive, const UnpackLimits& limits, const std::function<void(const UnpackProgress&)>& progress) {
    Unpacking(open_tar(archive), limits, progress).run();
}

void pack_tree(int archive, const std::function<std::int64_t(std::int64_t)>& owner_of) {
    Packing(archive, owner_of).run();
}

}  // namespace berth_common
