// Each header that embedders may include stands alone: the build defines BERTH_HEADER as one of them.
#include BERTH_HEADER
