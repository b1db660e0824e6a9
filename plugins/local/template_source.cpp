// Where a template comes from, opened and told apart from its other states; see template_cache.hpp.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "failure.hpp"
#include "template_cache.hpp"
#include "tree_state.hpp"

namespace berth_local {
namespace {

// A copy must be whole: what we could not read would be missing in every sandbox.
void need_readable(int parent, const char* name, const struct stat& info, const std::string& place) {
    const int wanted = S_ISDIR(info.st_mode) ? R_OK | X_OK : R_OK;
    if ((S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)) && ::faccessat(parent, name, wanted, AT_EACCESS) != 0) {
        throw refusal(BERTH_PERMISSION_DENIED, "the template cannot be copied: this user cannot read " + place,
                      "name a tar file of it that root made, or a directory made by this user (debootstrap under "
                      "unshare --map-auto --map-root-user)");
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
    print.add(path);
    if (source.is_directory && range && info.st_uid != *range) {
        print.add(tree_state(source.opened.get(), path, need_readable));
    } else {
        print.add(info);
    }
    source.key = print.text();
    return source;
}

}  // namespace berth_local
