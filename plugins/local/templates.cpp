#include "templates.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor.hpp"
#include "failure.hpp"
#include "system_files.hpp"

namespace berth_local {

std::string root_mount_of(const TemplateRoot& root) {
    return root.tree_ids == root.ids ? "overlay userxattr" : "overlay userxattr on an id-mapped template";
}

Templates::Templates(std::map<std::string, std::string> paths) : paths_(std::move(paths)) {
    for (const auto& [name, path] : paths_) {
        if (name == host_template) {
            throw refusal(BERTH_INVALID_ARGUMENT,
                          "templates: the name `host` is taken: it is the root made of this machine's /usr",
                          "give the template another name");
        }
        if (path.empty() || path.front() != '/') {
            throw refusal(BERTH_INVALID_ARGUMENT, "templates: the path of " + name + " is not absolute");
        }
    }
}

TemplateRoot Templates::find(const std::string& name) const {
    const auto found = paths_.find(name);
    if (found == paths_.end()) {
        std::string names = host_template;
        for (const auto& [known, path] : paths_) {
            names += ", " + known;
        }
        throw refusal(BERTH_TEMPLATE_NOT_FOUND, "there is no template " + name + "; there are: " + names,
                      "name one of them, or add it to `templates` in the provider's config");
    }
    struct stat info {};
    if (::stat(found->second.c_str(), &info) != 0) {
        throw refusal(BERTH_TEMPLATE_NOT_FOUND,
                      "the template " + name + " cannot be opened at " + found->second + ": " + words_of_errno(errno),
                      "correct its path in the provider's config");
    }
    if (!S_ISDIR(info.st_mode)) {
        throw refusal(BERTH_INVALID_ARGUMENT, "the template " + name + " at " + found->second + " is no directory",
                      "unpack it, and name the directory");
    }
    return {name, found->second, 0, 0};
}

}  // namespace berth_local
