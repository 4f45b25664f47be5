from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.i18n import set_language

from scrm.lib import callers, clock
from scrm.staff import throttle
from scrm.staff.models import User

__all__ = ["SignIn", "refused", "set_language"]


class SignIn(LoginView):
    """The way in; on a demo it says which logins there are. Who fails too often waits."""

    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A name or address that waits is told how long, whatever password it brings: nothing can be guessed meanwhile."""
        name, address, now = request.POST.get("username", ""), callers.address(request), clock.now()
        until = throttle.waits_until(name=name, address=address, as_of=now)
        if until is not None:
            minutes = max(1, round((until - now).total_seconds() / 60))
            said = _("尝试次数过多，请在 %(n)s 分钟后再试，或请管理员在「隐私与安全」中解除") % {"n": minutes}
            return self.render_to_response(self.get_context_data(form=self.get_form_class()(request), wait=said), status=429)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        throttle.succeeded(name=form.cleaned_data["username"])
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        throttle.failed(name=form.data.get("username", ""), address=callers.address(self.request), as_of=clock.now())
        return super().form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        demo = User.objects.filter(demo_password=True, is_active=True).order_by("pk")
        return super().get_context_data(**kwargs, demo_users=demo)


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 names the missing permission."""
    return render(request, "403.html", {"permission": getattr(exception, "permission", "")}, status=403)
