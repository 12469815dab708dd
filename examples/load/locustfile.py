"""For the master: locust -f THIS --master. Its workers are `hookgate load --locust-master HOST:5557`."""
import time
from locust import User, events
def deliver(user): raise RuntimeError("the workers of this master are hookgate's: it delivers nothing itself")
@events.init_command_line_parser.add_listener
def _(parser): parser.add_argument("--run-word", default=f"hg{int(time.time()):x}", help="what every key begins with")
class Fresh(User): weight, tasks = 80, [deliver]
class Duplicate(User): weight, tasks = 15, [deliver]
class Burst(User): weight, tasks = 5, [deliver]
