#include "detect/engine.h"
#define STUB(n) void n##_data(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *d, size_t l, int64_t t) { (void)s;(void)f;(void)side;(void)d;(void)l;(void)t; } void n##_close(struct signatures *s, struct flow *f, int64_t t) { (void)s;(void)f;(void)t; }
STUB(tls) STUB(ssh) STUB(dns) STUB(mqtt)
void dns_message(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *d, size_t l, int64_t t) { (void)s;(void)f;(void)side;(void)d;(void)l;(void)t; }
