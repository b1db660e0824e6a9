// Where a template comes from, opened and told apart from its other states; see template_cache.hpp.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "directory_entry.hpp"
#include "failure.hpp"
#include "system_files.hpp"
#include "template_cache.hpp"

namespace berth_local {
namespace {

constexpr int deepest = 200;

// FNV-1a over what tells a change: it names a state, no more.
class Fingerprint {
public:
    void add(const void* bytes, std::size_t size) {
        for (const auto* byte = static_cast<const unsigned char*>(bytes); size > 0; ++byte, --size) {
            value_ = (value_ ^ *byte) * 1'099'511'628'211ULL;
        }
    }
    void add(std::int64_t number) { add(&number, sizeof number); }
    void add(const struct stat& info) {
        add(info.st_size);
        add(info.st_mtim.tv_sec);
        add(info.st_mtim.tv_nsec);
        add(static_cast<std::int64_t>(info.st_ino));
        add(static_cast<std::int64_t>(info.st_dev));
        add(info.st_mode);
        add(info.st_uid);
        add(info.st_gid);
    }
    [[nodiscard]] std::string text() const {
        char hex[20];
        std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(value_));
        return hex;
    }

private:
    std::uint64_t value_ = 14'695'981'039'346'656'037ULL;
};

// A copy must be whole: what we could not read would be missing in every sandbox.
void need_readable(int parent, const char* name, const struct stat& info, const std::string& place) {
    const int wanted = S_ISDIR(info.st_mode) ? R_OK | X_OK : R_OK;
    if ((S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)) && ::faccessat(parent, name, wanted, AT_EACCESS) != 0) {
        throw refusal(BERTH_PERMISSION_DENIED, "the template cannot be copied: this user cannot read " + place,
                      "name a tar file of it that root made, or a directory made by this user (debootstrap under "
                      "unshare --map-auto --map-root-user)");
    }
}

void add_tree(Fingerprint& print, int parent, const char* name, const std::string& place, int depth) {
    struct stat info {};
    if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        throw system_failure("cannot look at " + place, errno);
    }
    need_readable(parent, name, info, place);
    print.add(name, std::strlen(name));
    print.add(info);
    if (!S_ISDIR(info.st_mode)) {
        return;
    }
    Descriptor directory = open_directory(parent, name);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(directory ? ::fdopendir(directory.get()) : nullptr, ::closedir);
    if (!listing || depth > deepest) {
        throw system_failure("cannot list " + place, errno);
    }
    const int number = directory.release();  // the listing's now
    while (const dirent* entry = next_entry(listing.get())) {
        add_tree(print, number, entry->d_name, place + "/" + entry->d_name, depth + 1);
    }
    if (errno != 0) {
        throw system_failure("cannot list " + place, errno);
    }
}

}  // namespace

TemplateSource open_source(const std::string& name, const std::string& path, std::optional<std::uint32_t> range) {
    TemplateSource source{name, path, Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), false, {}};
    struct stat info {};
    if (!source.opened || ::fstat(source.opened.get(), &info) != 0) {
        throw refusal(errno == EACCES ? BERTH_PERMISSION_DENIED : BERTH_TEMPLATE_NOT_FOUND,
                      "the template " + name + " cannot be opened at " + path + ": " + words_of_errno(errno),
                      "correct its path in the provider's config");
    }
    source.is_directory = S_ISDIR(info.st_mode);
    if (!source.is_directory && !S_ISREG(info.st_mode)) {
        throw refusal(BERTH_INVALID_ARGUMENT,
                      "the template " + name + " at " + path + " is neither a directory nor a tar file");
    }
    Fingerprint print;
    print.add(path.data(), path.size());
    if (source.is_directory && range && info.st_uid != *range) {
        add_tree(print, source.opened.get(), ".", path, 0);
    } else {
        print.add(info);
    }
    source.key = print.text();
    return source;
}

}  // namespace berth_local
