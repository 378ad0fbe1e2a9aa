# A real S3 server for tests, in one process on free ports: OpenStack Swift with its s3api, which checks signatures, the
# hashes of bodies, and parts. Debian has it as packages. Needs no root.
# Usage: python3 s3-server.py DIR    prints one line, the port; ends when its stdin does
import os, sys
from swift.common import utils

folder = os.path.abspath(sys.argv[1])
with open(os.path.join(folder, 'swift.conf'), 'w') as conf:
    conf.write('[swift-hash]\nswift_hash_path_suffix = a\nswift_hash_path_prefix = b\n'
               '[storage-policy:0]\nname = Policy-0\ndefault = yes\n')
utils.set_swift_dir(folder)

import eventlet
from eventlet import wsgi
from swift.common.ring import RingBuilder
from swift.common.storage_policy import reload_storage_policies
from swift.common.wsgi import SwiftHttpProtocol, loadapp

utils.eventlet_monkey_patch()
reload_storage_policies()
STORAGE = ('account', 'container', 'object')
sockets = {name: eventlet.listen(('127.0.0.1', 0), backlog=256) for name in (*STORAGE, 'proxy')}
os.makedirs(os.path.join(folder, 'srv', 'd1'))


def write_conf(name, text):
    path = os.path.join(folder, name + '-server.conf')
    with open(path, 'w') as conf:
        conf.write(text)
    return path


def storage_app(name):
    ring = RingBuilder(2, 1, 0)
    ring.add_dev({'id': 0, 'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': sockets[name].getsockname()[1],
                  'device': 'd1', 'weight': 1})
    ring.rebalance()
    ring.get_ring().save(os.path.join(folder, name + '.ring.gz'))
    return loadapp(write_conf(name, f'''[DEFAULT]
swift_dir = {folder}
devices = {folder}/srv
mount_check = false
fallocate_reserve = 0
log_level = CRITICAL
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
'''))


FILTERS = ('catch_errors', 'gatekeeper', 'cache', 'listing_formats', 'bulk', 's3api', 'tempauth', 'copy', 'slo', 'dlo')
OPTIONS = {
    'cache': 'memcache_servers = 127.0.0.1:1\n',  # nobody: it is only asked for what need not be there
    'tempauth': 'user_test_backups = a-secret-of-the-test .admin\n',
    's3api': 'location = us-east-1\ns3_acl = false\nallow_no_owner = true\n',
}


def proxy_app():
    sections = ''.join(f'[filter:{name}]\nuse = egg:swift#{"memcache" if name == "cache" else name}\n{OPTIONS.get(name, "")}'
                       for name in FILTERS)
    return loadapp(write_conf('proxy', f'''[DEFAULT]
swift_dir = {folder}
log_level = CRITICAL
[pipeline:main]
pipeline = {" ".join(FILTERS)} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
{sections}'''))


for name in (*STORAGE, 'proxy'):
    app = storage_app(name) if name in STORAGE else proxy_app()
    eventlet.spawn(wsgi.server, sockets[name], app, utils.NullLogger(), protocol=SwiftHttpProtocol)


def wait_for_end():
    eventlet.patcher.original('os').read(0, 1)
    os._exit(0)


eventlet.patcher.original('threading').Thread(target=wait_for_end, daemon=True).start()
print(sockets['proxy'].getsockname()[1], flush=True)
while True:
    eventlet.sleep(3600)
